package main

import (
	"io"

	"github.com/spf13/cobra"
)

const completionHelp = `Completion writes what a shell has to read to complete luagw's commands and
flags. SHELL is bash, fish, powershell or zsh. Bash needs the package
bash-completion, and zsh its compinit.`

const completionExample = `  source <(luagw completion bash)                                     in ~/.bashrc
  luagw completion fish >~/.config/fish/completions/luagw.fish
  luagw completion zsh >"${fpath[1]}/_luagw"
  luagw completion powershell | Out-String | Invoke-Expression        in the profile`

// newCompletionCommand stands in the place of cobra's, which shows a page and
// exits with 0 if it does not know the shell.
func newCompletionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Complete luagw's commands in a shell",
		Long:      completionHelp,
		Example:   completionExample,
		ValidArgs: []cobra.Completion{"bash", "fish", "powershell", "zsh"},
		RunE:      runCompletion,

		DisableFlagsInUseLine: true,
	}
}

func runCompletion(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError("completion: for which shell? bash, fish, powershell or zsh")
	}
	root := cmd.Root()
	write := map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": root.GenPowerShellCompletionWithDesc,
		"zsh":        root.GenZshCompletion,
	}[args[0]]
	switch {
	case write == nil:
		return usageError("completion: unknown shell %q, want bash, fish, powershell or zsh", args[0])
	case len(args) > 1:
		return usageError("completion: unexpected argument %q", args[1])
	}
	return write(cmd.OutOrStdout())
}

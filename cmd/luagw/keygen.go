package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/luagw/luagw/server"
	"github.com/spf13/cobra"
)

const keygenHelp = `Keygen makes a key by which to log in at luagw serve, or at any SSH server: an
ed25519 key in FILE, and its public half in FILE.pub and on standard output. A
server lets it in once that line stands in its file of authorized keys.

The key has no passphrase. For one that has, or that lives in a device, use
ssh-keygen: luagw takes all keys that ssh does.`

// newKeygenCommand is luagw keygen.
func newKeygenCommand() *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use:     "keygen [FILE]",
		Short:   "Make a key by which to log in",
		Long:    keygenHelp,
		Example: "  luagw keygen                 in ~/.ssh/id_ed25519\n  luagw keygen deploy_key      then: luagw exec -t tcp:web1//identity=deploy_key",
		RunE:    func(cmd *cobra.Command, args []string) error { return keygen(cmd, args, comment) },

		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringVar(&comment, "comment", defaultComment(), "`TEXT` behind the key")
	return cmd
}

// defaultComment says whose key it is, as ssh-keygen does.
func defaultComment() string {
	host, _ := os.Hostname()
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user := os.Getenv(name); user != "" {
			return user + "@" + host
		}
	}
	return host
}

func keygen(cmd *cobra.Command, args []string, comment string) error {
	if len(args) > 1 {
		return usageError("keygen: unexpected argument %q", args[1])
	}
	path, err := keyPath(args)
	if err != nil {
		return err
	}
	if _, err := server.WriteKey(path, comment); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keygen: %s is there already, and stays as it is", path)
	} else if err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	public, err := os.ReadFile(path + ".pub")
	if err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	_, err = cmd.OutOrStdout().Write(public)
	return err
}

// keyPath is where the key goes: to where ssh looks for it, if nobody says.
func keyPath(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("keygen: %w", err)
	}
	folder := filepath.Join(home, ".ssh")
	return filepath.Join(folder, "id_ed25519"), os.MkdirAll(folder, 0o700)
}

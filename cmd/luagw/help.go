package main

import "github.com/spf13/cobra"

// newHelpCommand is cobra's help, with an error for what there is no help on.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell about a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			topic, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usageError("help: unknown topic %q%s", args[len(args)-max(len(rest), 1)], didYouMean(root, args[0], "luagw help"))
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

const targetsHelp = `A target is written as a spec: a kind with its address, and keys behind it.

  popen                        a process on this machine
  popen:PROGRAM:DIR            an agent of your own, in a directory
  exec=COMMAND LINE            whatever a command reaches: docker exec -i web1
  ssh:[USER@]HOST              a host behind ssh, as the ssh command reaches it
  tcp:HOST[:PORT]              a luagw server
  unix:PATH                    a luagw server on a Unix socket

Nothing has to be installed behind ssh and exec: an agent is sent to where there
is none, and kept in the user's cache.

Keys follow as //key=value, each once, in any order:

  //id=web1                    name of the target in what luagw prints
  //via=bastion                go through the target of that id
  //dir=/srv                   working directory, made if it is missing
  //nice=5                     added to the niceness
  //env:LANG=C                 an environment variable
  //timeout=5s                 how long each step of opening may take
  //max_time=1m                how long a fragment may take
  //max_memory=512M            what its fragments may use together
  //agent=PROGRAM              the agent to run, so that none is sent
  //become=USER                run it as another user, by sudo
  //become_method=doas         or by doas, or su; not for tcp and unix

For ssh and tcp, which without them go by what ssh is told:

  //user=joe                   the user to log in as
  //port=22                    the port
  //identity=FILE              the key to log in with
  //known_hosts=FILE           where the keys of hosts are
  //hostkey=accept-new         take the key of a new host and write it down

For ssh:

  //ssh_config=FILE            in the place of ~/.ssh/config
  //ssh_program=ssh            have this program connect, with all that it can do

A command line is split as a shell splits words, but no shell runs it. To have
a slash that begins no key, write \/ or put the value in quotes.`

const targetsExample = `  popen//id=a//dir=/tmp//env:LANG=C
  exec=sudo -n luagw-agent//id=root
  ssh:admin@web1.example.net//via=bastion`

// newTargetsTopic is a page of help, no command.
func newTargetsTopic() *cobra.Command {
	return &cobra.Command{
		Use:     "targets",
		Short:   "How targets are written",
		Long:    targetsHelp,
		Example: targetsExample,
	}
}

package luagw_test

import (
	"fmt"

	"github.com/luagw/luagw"
)

func ExampleParseSpec() {
	spec, err := luagw.ParseSpec(`ssh:deploy@web1:luagw-agent -v:/srv//id=web//env:PROXY=http:/\/proxy:3128`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(spec.Kind, spec.Target, spec.Params["user"], spec.Dir, spec.Env["PROXY"])
	fmt.Println(spec)

	_, err = luagw.ParseSpec("ssh:web1//nic=5")
	fmt.Println(err)
	// Output:
	// ssh web1 deploy /srv http://proxy:3128
	// ssh:web1//id=web//agent=luagw-agent -v//dir=/srv//env:PROXY=http:/\/proxy:3128//user=deploy
	// spec "ssh:web1//nic=5": nic: unknown key; did you mean "nice"?
}

func ExampleSpec_Command() {
	spec, err := luagw.ParseSpec(`exec=docker exec -i web1 sh -c 'exec luagw-agent 2>>"$LOG"'`)
	if err != nil {
		fmt.Println(err)
		return
	}
	words, err := spec.Command()
	fmt.Printf("%q %v\n", words, err)
	// Output:
	// ["docker" "exec" "-i" "web1" "sh" "-c" "exec luagw-agent 2>>\"$LOG\""] <nil>
}

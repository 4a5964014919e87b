package luagw_test

import (
	"errors"
	"fmt"

	"github.com/luagw/luagw"
)

func ExampleMarshal() {
	type Host struct {
		Name string   `luagw:"name"`
		Port int      `luagw:"port,omitempty"`
		Tags []string `luagw:"tags"`
	}
	item, err := luagw.Marshal(Host{Name: "web1", Tags: []string{"a", "b"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := luagw.Unmarshal(item)
	fmt.Println(v, err)
	// Output: map[name:web1 tags:[a b]] <nil>
}

func ExampleMarshal_refused() {
	_, err := luagw.Marshal(map[string]any{"hosts": []any{1, func() {}}})
	var refused *luagw.ValueError
	if errors.As(err, &refused) {
		fmt.Println(refused.Path, "is a", refused.Type)
	}
	// Output: item.hosts[1] is a function
}

package lua

import glua "github.com/yuin/gopher-lua"

// nearChannelMethods are what channels can do on the near side besides.
func nearChannelMethods() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"gateway": channelGateway,
		"results": channelResults,
	}
}

// channelGateway is channel:gateway(): nil for the channel of a script that is a
// fragment itself.
func channelGateway(L *glua.LState) int {
	c := checkChannel(L, "gateway")
	gw := c.c.Gateway()
	if gw == nil {
		L.Push(glua.LNil)
		return 1
	}
	L.Push(c.f.nearSide().gateway(gw))
	return 1
}

// channelResults is channel:results().
func channelResults(L *glua.LState) int {
	c := checkChannel(L, "results")
	results, err := c.c.Results(c.f.ctx)
	if err != nil {
		c.raise(L, "results", err)
	}
	return c.f.pushAll(L, results)
}

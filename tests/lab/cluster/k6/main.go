// k6, the load generator, as its own main does it.
package main

import "go.k6.io/k6/cmd"

func main() {
	cmd.Execute()
}

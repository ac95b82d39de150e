// Quickstart shows a whole rollout in half a minute, with nothing to install:
//
//	go run ./examples/quickstart
//
// It starts 40 web servers on loopback ports, each with /metrics, sends them
// requests, and rolls out two releases with tidegate:
//
//   - v2 answers 5% of its requests with an error, where v1 has 1%. The gate
//     finds out while v2 is on one server or three, and v2 is taken back.
//   - v3 is as good as v1, and gets to every server.
//
// With --crash the process kills itself in the middle of wave 2. Run it again,
// without, and the rollout goes on where it stopped.
//
// Where to look first: plan.go is the part that you would write for a service of
// your own, deployer.go the other one. The rest is the world they act on
// (server.go, fleet.go, load.go), the story that is told (demo.go) and how it is
// shown (watch.go, frame.go, account.go).
package main

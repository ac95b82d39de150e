// Package googlecloud replays 12 June 2025 at Google Cloud: a row of policy data with
// blank fields was replicated to all regions within seconds, and woke code that had been
// deployed two weeks before, region by region, and that nothing had exercised since. It
// crashed in a loop. And when it came back, all tasks of the largest region restarted at
// once, and stampeded the database that each of them reads first.
package googlecloud

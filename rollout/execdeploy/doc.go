// Package execdeploy deploys by running a program for each target: the way into
// tidegate for whoever has a script that works on one host.
//
//	runner.Deployer, err = execdeploy.Commands{
//		Deploy:  []string{"/opt/deploy.sh", "{target}", "{version}"},
//		Check:   []string{"/opt/healthy.sh", "{target}"},
//		Version: []string{"ssh", "{target}", "cat", "/srv/app/VERSION"},
//	}.Deployer()
//
// [Commands] says which programs. A rollback runs Undo, or Deploy with the old
// version.
//
// # Arguments
//
// A command is a list of arguments, and no shell ever sees them, unless Shell is
// set. In each of them these are filled in:
//
//	{target}   the target's name
//	{version}  the version to put on it: the new one, or in an undo the old one
//	{from}     the version to take the place of
//	{wave}     the number of the wave, from 1
//
// The program has the same in its environment, as TIDEGATE_TARGET,
// TIDEGATE_VERSION, TIDEGATE_FROM and TIDEGATE_WAVE, and with them
// TIDEGATE_FENCE and TIDEGATE_KEY (rollout.Release, Fence and Key). A question
// (Check, Version) has no fence and no key, and Version has the target alone.
//
// # What a program has to do
//
// Exit with 0 when it is done, and with anything else when it is not, which counts as
// a failed step. It has to be idempotent: after a crash it is run again for a target
// whose outcome is unknown.
//
// When the step is not wanted any more, its process group is sent TERM, and KILL
// after Grace, with all that it has started. What it leaves in its group when it
// ends is killed too: a daemon needs a session of its own (setsid), and should not
// hold on to the output.
//
// A runner that is killed by KILL stops nothing. With an Owner, on Linux, the next
// runner of the rollout stops what it left before it runs anything itself: the process
// groups with the same TIDEGATE_OWNER, the rollout's TIDEGATE_KEY and a lower
// TIDEGATE_FENCE in their environment. What they had begun
// elsewhere, as over ssh, may go on: let the target remember the highest fence.
//
// # Output
//
// What Deploy and Undo write is kept in one file for each target in OutputDir, as
// written, in order. The file is made with the first byte. Of each run the
// first and the last 32 KiB are kept (MaxOutput), and no flood stops the program.
// Secrets are masked (Redact) before anything is kept, or quoted in an error.
// Errors show the program's name and its last words, never its arguments.
package execdeploy

// Package procgroup is the one place in tidegate that runs other programs.
//
// A program that is stopped must be gone, with all that it has started: a
// deployment that goes on behind the back of a rollback is worse than a slow
// one. Killing one process does not do that. What it started lives on, and holds
// the pipe that its output is read from. So a [Command] is bounded in every
// direction:
//
//   - Time: when the context is done, the whole process group is sent TERM, and
//     KILL after a grace. Run returns then, whatever the program does.
//   - Leftovers: when the program ends by itself, what it left in its group is
//     killed.
//   - Size: standard output past MaxOutput is [ErrTooLarge], and stops the program, or
//     is dropped (Overflow).
//     Of standard error the last 4 KiB are kept.
//   - Secrecy: errors show the program's name and the end of what it wrote to
//     standard error, never its arguments, environment or input.
//
// It runs a list of arguments, never a line for a shell. [Lead] does the same for a
// command that its caller has set up, with input and output of the caller's.
//
// # What gets away
//
// A program that makes a group or session of its own (setsid, a daemon) leaves
// this one and can't be found any more. If it holds the output, that is
// [ErrHeld]. When tidegate itself is killed by KILL, nobody is left to stop what it
// has started.
//
// Where there are no process groups (Windows), only the program itself is
// killed, and at once.
package procgroup

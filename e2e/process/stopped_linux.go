package process

import "golang.org/x/sys/unix"

// awaitStopped waits until the last thread of a child has stopped, the signal for that having been sent. The state is
// only looked at, so that whoever waits for the child's end still sees it. One that has ended is stopped enough.
func awaitStopped(pid int) error {
	for {
		switch err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err {
		case unix.EINTR:
		case unix.ECHILD:
			return nil
		default:
			return err
		}
	}
}

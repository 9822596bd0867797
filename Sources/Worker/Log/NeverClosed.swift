// Handles of librdkafka that live as long as the process: closing one can hang for ever after a broker went away
// (docs/decisions/0005-what-ends-a-process.md), and the group does not want to hear of it. Leaving the process closes them.

/// Lets nobody let go of it, not even an error on the way up.
func neverClosed<Handle: AnyObject>(_ handle: Handle) -> Handle {
    _ = unsafe Unmanaged.passRetained(handle)
    return handle
}

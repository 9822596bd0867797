// A bell between threads: one side rings, the other sleeps on several bells and sockets at once with poll(2).
import CPlatform
import Glibc

/// An eventfd. Its descriptor is also handed to C libraries that announce work by writing eight bytes to it.
public final class Wake: Sendable {
    public let fileDescriptor: Int32

    public init() {
        // Fails only when the process is out of descriptors; -1 then makes poll(2) skip the entry, and waits time out.
        fileDescriptor = cplatform_eventfd()
    }

    deinit { close(fileDescriptor) }

    public func ring() {
        var one: UInt64 = 1
        _ = unsafe write(fileDescriptor, &one, 8)
    }

    /// Forgets the rings so far.
    public func clear() {
        var count: UInt64 = 0
        _ = unsafe read(fileDescriptor, &count, 8)
    }

    /// Sleeps until someone rings, at most so long; forgets the rings. True when rung.
    @discardableResult
    public func wait(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, milliseconds) > 0 else { return false }
        clear()
        return true
    }
}

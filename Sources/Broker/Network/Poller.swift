// epoll(7): one thread sleeps on every socket at once.
import CPlatform
import Glibc

@safe final class Poller {
    struct Ready {
        let descriptor: Int32
        let readable: Bool
        let writable: Bool
        let broken: Bool
    }
    private static let batch = 256

    private let descriptor: Int32
    // The kernel fills it; its union is only ever read as the descriptor we put there.
    private var events = unsafe [epoll_event](repeating: epoll_event(), count: Poller.batch)

    init() throws(StorageError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        if descriptor < 0 { throw StorageError("make", "an epoll") }
    }

    deinit { close(descriptor) }

    func add(_ target: Int32, reading: Bool = true, writing: Bool = false) {
        control(EPOLL_CTL_ADD, target, reading, writing)
    }

    func change(_ target: Int32, reading: Bool, writing: Bool) { control(EPOLL_CTL_MOD, target, reading, writing) }

    func remove(_ target: Int32) { control(EPOLL_CTL_DEL, target, false, false) }

    private func control(_ operation: Int32, _ target: Int32, _ reading: Bool, _ writing: Bool) {
        var event = unsafe epoll_event()
        unsafe event.events = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
        unsafe event.data.fd = target
        // Fails only for descriptors that are closed already, which is what removing them wants.
        _ = unsafe epoll_ctl(descriptor, operation, target, &event)
    }

    func wait(milliseconds: Int32) -> [Ready] {
        let count = unsafe epoll_wait(descriptor, &events, Int32(Poller.batch), milliseconds)
        guard count > 0 else { return [] }
        return unsafe events[0..<Int(count)].map { event in
            let bits = unsafe event.events
            return Ready(
                descriptor: unsafe event.data.fd, readable: bits & EPOLLIN.rawValue != 0,
                writable: bits & EPOLLOUT.rawValue != 0, broken: bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
        }
    }
}

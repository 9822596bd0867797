// What the ingress knows of one client connection: how far its request has come, and by when that must end.
import Glibc
import Platform
import Synchronization

/// The moments are `Clock.monotonicMilliseconds()`.
enum ConnectionPhase {
    /// Accepted, not yet taken over by the daemon: the socket must not be touched.
    case accepted(deadline: Int64)
    /// The daemon has it and the first request is on its way, or a later one whose request line has arrived.
    case reading(deadline: Int64)
    /// Between two requests.
    case idle(since: Int64)
    /// The request is whole; nobody but the handler limits how long the answer takes.
    case handling(Exchange)
    case sending(deadline: Int64)
    /// We have said our last word on the socket by ourselves; the daemon may only close it.
    case refused
    case closed
}

/// `@unchecked Sendable`: `draft`, `exchange` and `reception` belong to the daemon's polling thread, all else is behind a mutex.
final class Connection: @unchecked Sendable {
    let socket: Int32
    let remoteAddress: String
    let phase: Mutex<ConnectionPhase>
    /// Of the request under way, for a refusal from whichever thread. May be locked while `phase` is.
    private let headRead: Mutex<RequestHead>
    /// Whose connection it is, from when the daemon has it.
    weak var reception: Reception?

    /// The request being read, from its first line to its last byte.
    var draft: RequestDraft?
    var exchange: Exchange?

    init(socket: Int32, remoteAddress: String, deadline: Int64) {
        self.socket = socket
        self.remoteAddress = remoteAddress
        self.phase = Mutex(.accepted(deadline: deadline))
        headRead = Mutex(RequestHead(remoteAddress: remoteAddress))
    }

    var head: RequestHead {
        get { headRead.withLock { $0 } }
        set { headRead.withLock { $0 = newValue } }
    }

    /// Goes to the next phase unless the connection was refused meanwhile.
    @discardableResult
    func advance(to next: ConnectionPhase) -> Bool {
        phase.withLock { phase in
            switch phase {
            case .refused, .closed: return false
            default:
                phase = next
                return true
            }
        }
    }

    /// Writes the refusal itself, past the daemon, and lets no more be written. False when it is too late for that.
    /// The daemon writes nothing while a request is awaited or being read, so the answer cannot land amid another.
    func refuseWhileReading(with response: (RequestHead) -> [UInt8]) -> Bool {
        phase.withLock { phase in
            switch phase {
            case .reading, .idle: phase = .refused
            default: return false
            }
            sendAndHalfClose(socket, response(head))
            return true
        }
    }

    /// Ends what has taken too long. The daemon notices the closed socket and cleans up.
    func enforceDeadline(now: Int64, limits: IngressLimits, slowAnswer: (RequestHead) -> [UInt8]) -> ConnectionVerdict {
        phase.withLock { phase in
            switch phase {
            case .accepted(let deadline): return now < deadline ? .keep : .forget
            case .reading(let deadline):
                let began = deadline - Int64(limits.requestTimeoutSeconds) * 1000
                // See below; for a moment the daemon may have the whole request and not have told us yet.
                let abandoned = now - began >= handOverMilliseconds && nothingMoreToRead(socket)
                guard abandoned || now >= deadline else { return .keep }
                sendAndHalfClose(socket, slowAnswer(head))
            case .idle(let since):
                let expired = now - since >= Int64(limits.idleTimeoutSeconds) * 1000
                // The daemon misses the end of a client that closed its sending side along with its request.
                guard expired || nothingMoreToRead(socket) else { return .keep }
                // Something came since: the beginning of a request, which deserves to hear why it ends here.
                if expired, let quiet = millisecondsSinceLastByte(socket), quiet + kernelTickMilliseconds < now - since
                {
                    sendAndHalfClose(socket, slowAnswer(head))
                }
            case .sending(let deadline):
                guard now >= deadline else { return .keep }
            case .handling, .refused, .closed: return .keep
            }
            phase = .refused
            shutdown(socket, Int32(SHUT_RDWR))
            return .keep
        }
    }
}

/// Longer than the daemon takes from the last byte of a request to its handler.
private let handOverMilliseconds: Int64 = 1000
/// The kernel's own clock goes by ticks of up to this length.
private let kernelTickMilliseconds: Int64 = 20

enum ConnectionVerdict {
    case keep
    /// The daemon never took it over: its descriptor is gone already.
    case forget
}

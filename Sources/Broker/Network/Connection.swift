// One client's connection: frames in, answers out in the same order, one request at a time as Kafka does it.
import Glibc

final class Connection {
    private enum Piece {
        case bytes([UInt8])
        case file(FileSlice)
    }
    enum State {
        case idle
        /// A request is being answered; the next one waits in the buffer.
        case busy
        case closed
    }

    /// What a client may send ahead while its last request is being answered.
    private static let aheadBytes = 256 * 1024

    let descriptor: Int32
    private(set) var state = State.idle
    private var input: [UInt8] = []
    private var output: [Piece] = []
    private var outputDone = 0
    /// When the last request was complete or the last byte of an answer went out. A request that trickles in is no
    /// progress, nor is one more request from somebody who does not take the answer.
    private(set) var lastProgressMilliseconds: Int64
    private var reading = true
    private var writing = false
    private var processing = false
    private unowned let node: BrokerNode

    init(descriptor: Int32, node: BrokerNode) {
        self.descriptor = descriptor
        self.node = node
        lastProgressMilliseconds = node.nowMilliseconds
    }

    var isClosed: Bool { state == .closed }
    /// In the middle of a request or of an answer that the peer does not take.
    var isMidway: Bool { (state == .idle && !input.isEmpty) || !output.isEmpty }

    func readable() {
        guard state != .closed else { return }
        // A peer that sends without end gets its turns, not the whole loop.
        for _ in 0..<4 {
            switch Sockets.receive(descriptor, into: &node.receiveBuffer) {
            case .bytes(let count):
                if input.isEmpty && output.isEmpty { lastProgressMilliseconds = node.nowMilliseconds }
                input.append(contentsOf: node.receiveBuffer[0..<count])
                process()
                if state == .closed || count < node.receiveBuffer.count { return updateInterest() }
                if state == .busy && input.count > Connection.aheadBytes { return updateInterest() }
            case .nothingYet: return updateInterest()
            case .ended: return close()
            }
        }
        updateInterest()
    }

    func writable() {
        flush()
        process()
        updateInterest()
    }

    /// Handles as many whole requests as may be handled now.
    private func process() {
        processing = true
        var start = 0
        defer {
            processing = false
            // Once for all of them: what a client has sent ahead is not moved up for each.
            if start > 0 && state != .closed { input.removeFirst(start) }
        }
        while state == .idle, output.isEmpty, input.count - start >= 4 {
            let size = Int(Int32(truncatingIfNeeded: bigEndian(input, start, 4)))
            guard size > 0, size <= node.settings.maximumRequestBytes else { return close() }
            guard input.count - start >= 4 + size else {
                if input.capacity < 4 + size && input.count > 64 * 1024 { input.reserveCapacity(4 + size) }
                return
            }
            state = .busy
            lastProgressMilliseconds = node.nowMilliseconds
            if start == 0 && input.count == 4 + size {
                // The usual case: the buffer is the frame, and is handed over without a copy.
                let frame = input
                input = []
                node.dispatch(frame, of: self)
            } else {
                let frame = Array(input[start..<start + 4 + size])
                start += 4 + size
                node.dispatch(frame, of: self)
            }
        }
    }

    /// Queues the one answer of the request in progress; nil for requests that get none.
    func answer(_ message: ByteWriter?) {
        guard state == .busy else { return }
        if let message {
            var start = 0
            for (at, slice) in message.slices {
                if at > start { output.append(.bytes(Array(message.bytes[start..<at]))) }
                output.append(.file(slice))
                start = at
            }
            if start == 0 {
                output.append(.bytes(message.bytes))
            } else if start < message.bytes.count {
                output.append(.bytes(Array(message.bytes[start...])))
            }
        }
        state = .idle
        flush()
        // An answer that comes later, from a timer or another client's request: the next request may be here already.
        if !processing { node.resume(self) }
    }

    func resume() {
        process()
        updateInterest()
    }

    private func flush() {
        while let piece = output.first, state != .closed {
            let sent: Int?
            let total: Int
            switch piece {
            case .bytes(let bytes):
                total = bytes.count
                sent = Sockets.send(descriptor, bytes, from: outputDone, more: output.count > 1)
            case .file(let slice):
                total = slice.length
                sent = Sockets.send(descriptor, slice, from: outputDone)
            }
            guard let sent else { return close() }
            if sent == 0 { return }
            lastProgressMilliseconds = node.nowMilliseconds
            outputDone += sent
            if outputDone == total {
                output.removeFirst()
                outputDone = 0
            }
        }
    }

    private func updateInterest() {
        guard state != .closed else { return }
        let wantsReading = (state == .idle && output.isEmpty) || input.count <= Connection.aheadBytes
        let wantsWriting = !output.isEmpty
        if wantsReading != reading || wantsWriting != writing {
            reading = wantsReading
            writing = wantsWriting
            node.poller.change(descriptor, reading: reading, writing: writing)
        }
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        output = []
        input = []
        node.poller.remove(descriptor)
        Glibc.close(descriptor)
        node.forget(self)
    }
}

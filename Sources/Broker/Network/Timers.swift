// Things to do later, in a heap by time. A timer is not cancelled: what it does looks whether it still matters.

struct Timers {
    private struct Entry {
        let due: Int64
        let action: () -> Void
    }
    private var heap: [Entry] = []

    /// Monotonic milliseconds of the next timer.
    var next: Int64? { heap.first?.due }

    mutating func add(due: Int64, _ action: @escaping () -> Void) {
        heap.append(Entry(due: due, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes all actions that are due, in their order.
    mutating func takeDue(now: Int64) -> [() -> Void] {
        var actions: [() -> Void] = []
        while let action = pop(now: now) { actions.append(action) }
        return actions
    }

    private mutating func pop(now: Int64) -> (() -> Void)? {
        guard let first = heap.first, first.due <= now, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return first.action }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].due < heap[least].due
            {
                least = child
            }
            guard least != parent else { return first.action }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}

// Topic names as Swift strings, made once per topic instead of once per message.

internal import Glibc

/// A few names, the last one first: consecutive messages are mostly of one topic. Used by one thread.
struct TopicNames {
    private var known: [(c: [CChar], name: String)] = []
    private var last = 0

    subscript(index: Int) -> String { known[index].name }

    mutating func name(_ name: UnsafePointer<CChar>) -> String {
        let index = unsafe index(of: name)
        return known[index].name
    }

    mutating func index(of name: UnsafePointer<CChar>) -> Int {
        if last < known.count, unsafe strcmp(known[last].c, name) == 0 { return last }
        for index in known.indices where unsafe strcmp(known[index].c, name) == 0 {
            last = index
            return index
        }
        let text = unsafe String(cString: name)
        known.append((Array(text.utf8CString), text))
        last = known.count - 1
        return last
    }
}

// The first moment of a supervised process, before it becomes what it is meant to be.
import CPlatform
import Glibc

/// `bookstore supervised PARENT PROGRAM ARGUMENTS…`: binds its life to the supervisor's and becomes PROGRAM. A
/// supervisor that is killed leaves nothing behind; any process may be killed at any time, so no farewell is needed.
enum Supervised {
    static func become(_ words: ArraySlice<String>) -> Int32 {
        let words = Array(words)
        guard words.count >= 2, let parent = pid_t(words[0]) else { return 2 }
        _ = cplatform_die_with_parent(SIGKILL)
        // It died before we asked.
        guard getppid() == parent else { return 1 }
        Terminal.complain(ChildProcess.become(words[1], Array(words.dropFirst(2))).description)
        return 1
    }
}

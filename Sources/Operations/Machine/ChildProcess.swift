// Starting a program: its output into a file, a process group of its own, no signal blocked.
package import Glibc
package import Platform

package enum ChildProcess {
    /// Starts a program in a process group of its own, so that a Ctrl-C at the terminal reaches the supervisor alone.
    /// Standard input is empty; what it prints is appended to `logFile`, standard output goes to `output` if given.
    package static func spawn(
        _ program: String, _ arguments: [String], environment: [String: String], logFile: String,
        output: Int32? = nil, ownGroup: Bool = true
    ) throws(SystemError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, logFile, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        unsafe posix_spawn_file_actions_adddup2(&actions, output ?? STDERR_FILENO, STDOUT_FILENO)
        var noSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let group = ownGroup ? Int32(POSIX_SPAWN_SETPGROUP) : 0
        unsafe posix_spawnattr_setflags(&attributes, Int16(group | Int32(POSIX_SPAWN_SETSIGMASK)))

        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        var pid = pid_t()
        let problem = unsafe withCStrings([program] + arguments) { argumentPointers in
            unsafe withCStrings(variables) { variablePointers in
                unsafe posix_spawn(&pid, program, &actions, &attributes, argumentPointers, variablePointers)
            }
        }
        guard problem == 0 else {
            throw SystemError("start", program, code: problem)
        }
        return pid
    }

    /// Lends the texts as a null-terminated array of C strings, for the time of a call.
    private static func withCStrings(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { for place in unsafe pointers.indices { unsafe free(pointers[place]) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return EINVAL }
            return unsafe body(base)
        }
    }

    /// Replaces this process.
    static func become(_ program: String, _ arguments: [String]) -> SystemError {
        _ = unsafe withCStrings([program] + arguments) { unsafe execv(program, $0) }
        return SystemError("start", program)
    }
}

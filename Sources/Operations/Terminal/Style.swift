// Colours for a person at a terminal; plain text for everybody else.
import Glibc
package import Platform

package struct Style: Sendable {
    package let isColoured: Bool
    /// Whether a person reads this, coloured or not.
    package let isTerminal: Bool

    /// Colours when the stream is a terminal and neither `NO_COLOR` nor a dumb terminal says otherwise.
    package init(stream: Int32 = STDOUT_FILENO, settings: Settings) {
        isTerminal = isatty(stream) == 1
        isColoured =
            isTerminal && settings.text("NO_COLOR") == nil && settings.text("TERM", default: "") != "dumb"
    }

    package init(isColoured: Bool, isTerminal: Bool = false) {
        self.isColoured = isColoured
        self.isTerminal = isTerminal
    }

    package func good(_ text: String) -> String { paint(text, "32") }
    package func bad(_ text: String) -> String { paint(text, "31") }
    package func warning(_ text: String) -> String { paint(text, "33") }
    package func name(_ text: String) -> String { paint(text, "36") }
    package func strong(_ text: String) -> String { paint(text, "1") }
    package func faint(_ text: String) -> String { paint(text, "2") }

    private func paint(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Standard output and standard error, a line or a piece at a time, unbuffered: what was printed has been seen.
package enum Terminal {
    package static func print(_ line: String) {
        // Whoever closed the pipe, as `| head` does, has seen enough.
        if !FileSystem.writeAll(Array((line + "\n").utf8), to: STDOUT_FILENO) && errno == EPIPE { exit(0) }
    }

    /// For a process that goes on whether anybody listens or not.
    package static func tell(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    package static func complain(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    package static func write(_ text: String, to stream: Int32) {
        // A closed pipe or a full disk: nobody is left to be told.
        _ = FileSystem.writeAll(Array(text.utf8), to: stream)
    }
}

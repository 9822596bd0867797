// Ports for listeners whose number is nobody's wish.

public enum QuietPort {
    /// Below those that the system gives to outgoing connections (from 32768 on): while a listener up there is away, its port
    /// may go to a connection, even to one that was to reach it, and the listener cannot come back.
    private static let range: Range<UInt16> = 10_000..<32_768
    private static let triesMax = 100

    /// What `listen` made of a port that it found free; port 0, any at all, is the last it is asked for.
    public static func first<Listener>(_ listen: (UInt16) -> Listener?) -> Listener? {
        for _ in 0..<triesMax {
            if let listener = listen(.random(in: range)) { return listener }
        }
        return listen(0)
    }
}

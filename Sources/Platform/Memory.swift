// What this process holds of the machine's memory.
import CPlatform

public enum Memory {
    /// Hands what was freed back to the system: after a rush that will not come again soon, such as taking shards: they are
    /// checked, and perhaps restored, from the first page to the last.
    public static func giveBack() { _ = malloc_trim(0) }
}

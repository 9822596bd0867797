// Which build this is: `make build` compiles the commit in, an image names it in its environment. A build that was told
// nothing has no honest answer.
import CBuild
import Platform

enum BuildInfo {
    static func commit(_ settings: Settings) -> String {
        if let told = settings.text("BUILD_COMMIT") { return told }
        // The address of a constant text.
        let compiled = unsafe String(cString: cbuild_commit())
        return compiled.isEmpty ? "dev" : compiled
    }
}

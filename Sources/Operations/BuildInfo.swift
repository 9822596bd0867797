// Which build this is. An image is told its commit when it is built; a working copy has no honest answer.
import Platform

enum BuildInfo {
    static func commit(_ settings: Settings) -> String { settings.text("BUILD_COMMIT", default: "dev") }
}

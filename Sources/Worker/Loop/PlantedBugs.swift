// Mistakes on purpose, switched on only in debug builds by tests: the drills' judge must find each of them.
import Platform

enum PlantedBug: String, CaseIterable {
    /// The caller hears of success before it is one.
    case repliesBeforeCommit
    /// A crash between the two commits leaves the file ahead of the log.
    case storeBeforeKafka
    /// The input is handled again after a crash.
    case offsetsOutside
}

typealias PlantedBugs = Set<PlantedBug>

extension PlantedBugs {
    static func fromEnvironment(_ settings: Settings = .process) -> PlantedBugs {
        #if DEBUG
            Set(
                (settings.text("PLANTED_BUG") ?? "").split(separator: ",").compactMap {
                    PlantedBug(rawValue: String($0))
                })
        #else
            []
        #endif
    }
}

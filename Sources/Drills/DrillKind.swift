// The drills as data: what each shows, what goes wrong in it, and how large it is unless somebody says otherwise.
import Platform

struct DrillKind: Sendable {
    struct Defaults: Sendable {
        var units = 300
        var rate = 10
        var everyMilliseconds: Int64 = 800
        var replicas: String?
    }

    let name: String
    let summary: String
    let defaults: Defaults
    /// Settings of the private system that the drill needs otherwise than usual.
    var environment: [String: String] = [:]
    /// Pause between two pieces of garbage or doubled events.
    var vandalMilliseconds: Int64 = 700
    /// Every request must be answered well: nobody may see an error.
    var isStrict = false
    /// In the end everything must come back from the state topics, whatever is on them.
    var isRebuilt = false
    let play: @Sendable (Stage) throws -> Void

    private static let shortSession = ["SESSION_MILLISECONDS": "3000"]
    /// Longer than the session, so that others have taken over when it goes on.
    private static let zombieMilliseconds: Int64 = 6_000

    static func all(services: [String]) -> [DrillKind] {
        let pairs = services.map { "\($0)=2" }.joined(separator: ",")
        return [
            DrillKind(
                name: "kill", summary: "Kill anything at any time: nothing acknowledged is lost or doubled",
                defaults: Defaults(units: 1_000, everyMilliseconds: 300)
            ) { stage in
                var trouble = Blows(choice: .mixed)
                try stage.load(&trouble)
            },
            DrillKind(
                name: "lost-disk", summary: "Services are killed and their files deleted: Kafka has everything",
                defaults: Defaults(everyMilliseconds: 2_000)
            ) { stage in
                var trouble = Blows(choice: .lostDisks)
                try stage.load(&trouble)
            },
            DrillKind(
                name: "scale", summary: "From one process a service to four and down to two, under load",
                defaults: Defaults(), environment: shortSession
            ) { stage in
                var trouble = Scaling()
                try stage.load(&trouble)
            },
            DrillKind(
                name: "rolling", summary: "Restart everything one by one: every request is answered",
                defaults: Defaults(everyMilliseconds: 500, replicas: "gateway=2"), isStrict: true
            ) { stage in
                var trouble = Rolling()
                try stage.load(&trouble)
            },
            DrillKind(
                name: "broker", summary: "Kill the broker again and again", defaults: Defaults(everyMilliseconds: 5_000)
            ) { stage in
                var trouble = Blows(choice: .mixed)
                try stage.load(&trouble)
            },
            DrillKind(
                name: "zombie", summary: "Stop processes until others have taken over, then let them go on",
                defaults: Defaults(everyMilliseconds: 8_000, replicas: pairs), environment: shortSession
            ) { stage in
                var trouble = Blows(choice: .pauses(milliseconds: zombieMilliseconds))
                try stage.load(&trouble)
            },
            DrillKind(
                name: "poison", summary: "Garbage on every topic that is read", defaults: Defaults(),
                environment: ["LOG_LEVEL": "info", "LOG_FORMAT": "json"], vandalMilliseconds: 60, isRebuilt: true
            ) { stage in
                var trouble = Peace()
                try stage.load(&trouble)
            },
        ]
    }
}

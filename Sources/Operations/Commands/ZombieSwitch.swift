// The drill switch of the seeds: `/makeZombie` makes this one process answer its liveness probe with 500, until it is
// restarted.
import Gateway
import Synchronization
import Wire
import Worker

final class ZombieSwitch: Sendable {
    static let probePath = "/isHealthy"

    private let isZombie = Atomic<Bool>(false)

    var routes: [LocalRoute] {
        [
            LocalRoute(Self.probePath, "Liveness: 200, or 500 once the process was made a zombie") {
                () throws(Problem) in
                if self.isZombie.load(ordering: .relaxed) { throw Problem(500, "zombie.....") }
                return Self.empty
            },
            LocalRoute("/makeZombie", "Makes the liveness probe of this process fail until it is restarted") {
                () throws(Problem) in
                self.isZombie.store(true, ordering: .relaxed)
                return Self.empty
            },
        ]
    }

    private static var empty: Reply { Reply(status: 200, contentType: Reply.textType, body: []) }
}

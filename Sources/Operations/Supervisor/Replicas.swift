// How many processes of each service: `order=2,bookinventory=3`.

package struct Replicas: Sendable, Equatable {
    private let counts: [String: Int]

    package static let most = 64

    package init(_ text: String?, known: [String]) throws(UsageError) {
        var counts: [String: Int] = [:]
        for part in (text ?? "").split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2, let count = Int(pair[1]), (0...Self.most).contains(count) else {
                throw UsageError("--replicas: '\(part)' is not NAME=COUNT with a count from 0 to \(Self.most)")
            }
            guard known.contains(pair[0]) else {
                throw UsageError(
                    "--replicas: there is no service '\(pair[0])'\(Nearest.hint(pair[0], among: known)) (\(known.joined(separator: ", ")))"
                )
            }
            guard counts.updateValue(count, forKey: pair[0]) == nil else {
                throw UsageError("--replicas: '\(pair[0])' is there twice")
            }
        }
        self.counts = counts
    }

    package func count(_ service: String) -> Int { counts[service] ?? 1 }

    /// `order=1`, where two were asked for and `order-0` alone is there.
    func differences(from instances: [String], of services: [String]) -> [String] {
        services.compactMap { service in
            let there = instances.count { $0.hasPrefix(service + "-") }
            return there == count(service) ? nil : "\(service)=\(there)"
        }
    }
}

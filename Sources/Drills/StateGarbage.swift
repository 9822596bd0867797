// Records on a state topic that no worker has written. Whoever restores from it must pass over each of them, count it, and
// lose nothing else.
import Contract
import Kafka
import Operations
import Platform
import Wire
import Worker

/// One such record under a key of its own, so that it replaces no row that is true. A schema newer than the program knows
/// is not among them: that one is refused on purpose.
struct StateGarbage {
    let topic: String
    let partition: Int32
    let token: String
    let mark: Header

    func record(_ random: inout DrillRandom) -> OutgoingRecord {
        let noise = (0..<random.below(80)).map { _ in UInt8(random.below(256)) }
        let answer = #"{"table":"runtime_answers","pk":["\#(token)"]}"#
        let old = Header(HeaderName.schema, "0")
        return switch random.below(6) {
        case 0: made("no key of a row: \(token)", noise)
        case 1: made(token, nil)
        case 2: made(#"{"table":"nobody_knows","pk":["\#(token)"]}"#, Array("{}".utf8), old)
        case 3: made(answer, Array(#"{"id":"\#(token)"}"#.utf8))
        case 4: made(answer, Array(#"{"id":"\#(token)","status":true,"body":[]}"#.utf8), old)
        default: made(answer, noise + [0], Header(HeaderName.schema, "of the drill"))
        }
    }

    private func made(_ key: String, _ value: [UInt8]?, _ headers: Header...) -> OutgoingRecord {
        OutgoingRecord(
            topic: topic, partition: partition, key: Array(key.utf8), value: value, headers: [mark] + headers)
    }
}

/// All services lose their files, so that every shard comes back from its state topic, the garbage in it included.
struct Rebuild {
    let stage: Stage
    let planted: Vandal.Notes

    func judge(_ quiet: Quiet) throws -> Judgement {
        let services = stage.system.services.map(\.contract)
        let instances = stage.crew.instances.filter { instance in
            services.contains { $0.name == Stage.service(of: instance) }
        }
        let before = Dictionary(uniqueKeysWithValues: instances.map { ($0, lines($0).count) })
        for instance in instances { stage.crew.strike(instance, .loseDisk) }
        stage.tell("  all files are deleted; every shard comes back from its state topic")
        _ = try quiet.wait(stage.crew)
        var judgement = Judgement()
        var total = 0
        for service in services {
            let topic = stage.system.contract.topics.state(service.name)
            let expected = planted.planted.count { $0.topic == topic }
            let skipped = instances.filter { Stage.service(of: $0) == service.name }
                .reduce(0) { $0 + skippedRecords(lines($1).dropFirst(before[$1] ?? 0)) }
            total += expected
            // With several processes a shard may be restored by one and then by another.
            let isRight = stage.plan.replicas == nil ? skipped == expected : skipped >= expected
            if !isRight && planted.lost == 0 {
                judgement.accuse(
                    "\(expected) pieces of garbage are on \(topic), \(service.name) says it skipped \(skipped)")
            }
        }
        judgement.count("garbage on state topics, skipped and counted", total)
        return judgement
    }

    private func lines(_ instance: String) -> [Substring] {
        (FileSystem.readText(stage.run.logFile(instance)) ?? "").split(separator: "\n")
    }

    /// As the lines of the assignments say it.
    private func skippedRecords(_ lines: ArraySlice<Substring>) -> Int {
        lines.reduce(0) { sum, line in
            guard line.contains(#""shards assigned""#), let said = try? JSON(parsing: Array(line.utf8)) else {
                return sum
            }
            return sum + Int(said["recordsSkipped"].integer ?? 0)
        }
    }
}

// The dead letters must be the garbage that was planted, each piece once for every service that read it, unchanged.
import Kafka
import Operations
import Wire
import Worker

struct DeadLetterJudge {
    private static let lettersMax = 6

    let planted: [Vandal.Planted]
    /// Pieces that the broker never confirmed: they may be there or not.
    let lost: Int

    func judge(_ letters: [Record]) -> Judgement {
        var judgement = Judgement()
        var byToken: [String: [Record]] = [:]
        for letter in letters { byToken[letter.header(Vandal.header) ?? "", default: []].append(letter) }
        for letter in byToken.removeValue(forKey: "") ?? [] {
            judgement.accuse("a dead letter that nobody planted", history: [Self.line(letter)])
        }
        var missing = 0
        for piece in planted {
            let found = byToken.removeValue(forKey: piece.token) ?? []
            let services = found.map { $0.header(HeaderName.deadService) ?? "?" }.sorted()
            if found.isEmpty && !piece.buriedBy.isEmpty && missing < lost {
                missing += 1
                continue
            }
            if services != piece.buriedBy {
                judgement.accuse(
                    "garbage on \(piece.topic) was buried by \(Self.counted(services)), expected \(Self.counted(piece.buriedBy))",
                    history: [String(decoding: piece.value, as: UTF8.self)]
                        + found.prefix(Self.lettersMax).map(Self.line))
            }
            if found.contains(where: { $0.value ?? [] != piece.value }) {
                judgement.accuse("a dead letter is not what was planted", history: found.map(Self.line))
            }
        }
        for (token, found) in byToken {
            judgement.accuse("'\(token)' was buried, and is harmless", history: found.map(Self.line))
        }
        judgement.count("garbage planted", planted.count)
        judgement.count("dead letters", letters.count)
        return judgement
    }

    /// `2 × order, delivery`
    private static func counted(_ services: [String]) -> String {
        let counts = Dictionary(services.map { ($0, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
        return counts.isEmpty
            ? "nobody" : counts.map { ($0.value > 1 ? "\($0.value) × " : "") + $0.key }.joined(separator: ", ")
    }

    private static func line(_ letter: Record) -> String {
        let place = [HeaderName.deadTopic, HeaderName.deadPartition, HeaderName.deadOffset]
            .map { letter.header($0) ?? "?" }
        return
            "\(letter.header(HeaderName.deadService) ?? "?") buried \(place[0])[\(place[1])]@\(place[2]):"
            + " \(letter.header(HeaderName.deadReason) ?? "?"); value "
            + String(decoding: (letter.value ?? []).prefix(300), as: UTF8.self)
    }
}

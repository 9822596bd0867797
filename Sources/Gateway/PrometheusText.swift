// The text format that Prometheus reads: samples are gathered by name first, since one name may appear only once.
struct PrometheusText {
    enum Kind: String { case counter, gauge, histogram }

    private struct Family {
        let kind: Kind
        let help: String
        var lines = ""
    }
    private var families: [String: Family] = [:]
    private var names: [String] = []

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ labels: [(String, String)], _ value: String,
        suffix: String = ""
    ) {
        if families[name] == nil {
            families[name] = Family(kind: kind, help: help)
            names.append(name)
        }
        var line = name + suffix
        if !labels.isEmpty {
            line += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
        }
        families[name]?.lines += "\(line) \(value)\n"
    }

    mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ labels: [(String, String)], _ value: Int, suffix: String = ""
    ) {
        add(name, kind, help, labels, String(value), suffix: suffix)
    }

    var text: String {
        var text = ""
        for name in names {
            guard let family = families[name] else { continue }
            text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n\(family.lines)"
        }
        return text
    }

    /// `batchSize` and `batch-size` as `batch_size`; whatever else a metric's name may not hold becomes `_`.
    static func name(_ text: String) -> String {
        var name = ""
        var follows = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "A"..."Z":
                if follows { name += "_" }
                name += String(scalar).lowercased()
                follows = false
            case "a"..."z", "0"..."9":
                name.unicodeScalars.append(scalar)
                follows = true
            default:
                name += "_"
                follows = false
            }
        }
        return name
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}

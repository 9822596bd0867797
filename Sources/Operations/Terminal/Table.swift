// Columns for a person: as wide as they must be, numbers to the right.

package struct Table {
    private let titles: [String]
    private let rightAligned: Set<Int>
    private var rows: [[String]] = []

    /// A title that begins with a space belongs to a column of numbers.
    package init(_ titles: [String]) {
        self.titles = titles.map { $0.hasPrefix(" ") ? String($0.dropFirst()) : $0 }
        self.rightAligned = Set(titles.indices.filter { titles[$0].hasPrefix(" ") })
    }

    package mutating func add(_ row: [String]) { rows.append(row) }

    package func lines(_ style: Style) -> [String] {
        let widths = titles.indices.map { column in
            ([titles] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        func line(_ row: [String]) -> String {
            var line = row.indices.map { column in
                rightAligned.contains(column)
                    ? row[column].padded(to: widths[column], left: true) : row[column].padded(to: widths[column])
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        return [style.faint(line(titles))] + rows.map(line)
    }
}

extension String {
    package func padded(to width: Int, left: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - count))
        return left ? spaces + self : self + spaces
    }
}

/// Durations and sizes as a person says them.
package enum Readable {
    package static func duration(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<1000: "\(max(0, milliseconds)) ms"
        case ..<60_000: "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        case ..<3_600_000: "\(milliseconds / 60_000) min \(milliseconds % 60_000 / 1000) s"
        case ..<86_400_000: "\(milliseconds / 3_600_000) h \(milliseconds % 3_600_000 / 60_000) min"
        default: "\(milliseconds / 86_400_000) d \(milliseconds % 86_400_000 / 3_600_000) h"
        }
    }

    package static func size(bytes: Int64) -> String {
        switch bytes {
        case ..<1024: "\(bytes) B"
        case ..<(1 << 20): "\(bytes >> 10) KiB"
        case ..<(1 << 30): "\(bytes >> 20).\(((bytes & 0xFFFFF) * 10) >> 20) MiB"
        default: "\(bytes >> 30).\(((bytes & 0x3FFF_FFFF) * 10) >> 30) GiB"
        }
    }

    /// `1 topic`, `2 topics`
    package static func count(_ number: Int, _ thing: String) -> String {
        "\(number) \(thing)\(number == 1 ? "" : "s")"
    }
}

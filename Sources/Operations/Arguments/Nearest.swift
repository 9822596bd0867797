// The nearest of the known words, for a word that was mistyped.

enum Nearest {
    /// `, did you mean 'status'?`, or nothing when no known word is near.
    static func hint(_ word: String, among known: [String]) -> String {
        let near = known.map { (word: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
        // Of a short word half the letters must be right, or any other would do.
        guard let near, near.distance <= max(2, word.count / 3), near.distance * 2 <= word.count else { return "" }
        return ", did you mean '\(near.word)'?"
    }

    /// How many letters must be added, dropped or changed to make one word the other.
    static func distance(_ one: String, _ other: String) -> Int {
        let letters = Array(other)
        var row = Array(0...letters.count)
        for (place, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = place + 1
            for column in letters.indices {
                let changed = diagonal + (letter == letters[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, diagonal + 1, row[column] + 1)
            }
        }
        return row[letters.count]
    }
}

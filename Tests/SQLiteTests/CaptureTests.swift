// The net changes of a batch, whatever SQL made them.
import SQLite
import TestSupport
import Testing

@Suite struct CaptureTests {
    let connection: Connection

    init() throws {
        connection = try Connection(path: ":memory:")
        try connection.script(
            """
            CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);
            CREATE TABLE pair (a TEXT, b INTEGER, v, PRIMARY KEY (b, a)) WITHOUT ROWID;
            CREATE TABLE named (name TEXT PRIMARY KEY COLLATE NOCASE, v);
            CREATE TABLE child (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item ON DELETE CASCADE);
            CREATE TABLE journal (text);
            """)
        try connection.startCapture(excluding: ["journal"])
    }

    private func change(_ table: String, _ key: [Value], _ row: [Value]?) -> RowChange {
        RowChange(table: table, key: key, row: row)
    }

    @Test func aRowTouchedOftenGivesOneImage() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        for _ in 0..<10 { try connection.execute("UPDATE item SET n = n + 1") }
        #expect(try connection.takeChanges() == [change("item", [1], [1, "a", 10])])
        #expect(try connection.takeChanges() == [])
    }

    @Test func rowsWithMuchTextAreToldAsTheyAre() throws {
        let text = String(repeating: "x", count: 64 << 10)
        try connection.execute("INSERT INTO item VALUES (1, ?1, 0), (2, 'a', 0)", [.text(text)])
        try connection.execute("INSERT INTO pair VALUES (?1, 1, NULL)", [.text(text)])
        try connection.execute("DELETE FROM pair")
        let told = try connection.takeLargeRows()
        #expect(told.count == 2)
        #expect(told.contains(change("item", [1], [1, .text(text), 0])))
        #expect(told.contains(change("pair", [1, .text(text)], nil)))
        #expect(try connection.takeLargeRows() == [])
        // Touched again it is told again; once it is small, no more.
        try connection.execute("UPDATE item SET n = 1 WHERE id = 1")
        #expect(try connection.takeLargeRows() == [change("item", [1], [1, .text(text), 1])])
        try connection.execute("UPDATE item SET name = 'small'")
        #expect(try connection.takeLargeRows() == [])
        #expect(try connection.takeChanges().count == 2, "none of this takes the changes")
    }

    @Test func aRowThatCameAndWentGivesNothing() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        try connection.execute("DELETE FROM item")
        #expect(try connection.takeChanges() == [])
    }

    @Test func aRowThatEndsAsItWasIsAHarmlessNoOp() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        _ = try connection.takeChanges()
        try connection.execute("UPDATE item SET n = 5")
        try connection.execute("UPDATE item SET n = 0")
        #expect(try connection.takeChanges() == [change("item", [1], [1, "a", 0])])
    }

    @Test func aDeletedRowIsATombstone() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 0)")
        _ = try connection.takeChanges()
        try connection.execute("DELETE FROM item")
        #expect(try connection.takeChanges() == [change("item", [1], nil), change("item", [2], nil)])
    }

    @Test func aChangedKeyIsAnOldAndANewRow() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        try connection.execute("INSERT INTO pair VALUES ('x', 1, 'v')")
        _ = try connection.takeChanges()
        try connection.execute("UPDATE item SET id = 9")
        try connection.execute("UPDATE pair SET a = 'y'")
        #expect(
            try connection.takeChanges() == [
                change("item", [1], nil), change("item", [9], [9, "a", 0]),
                change("pair", [1, "x"], nil), change("pair", [1, "y"], ["y", 1, "v"]),
            ])
    }

    @Test func replaceAndUpsertNameTheRowsTheyPushOut() throws {
        try connection.script("CREATE UNIQUE INDEX one_name ON item (name)")
        try connection.startCapture(excluding: ["journal"])
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 0)")
        _ = try connection.takeChanges()
        try connection.execute("REPLACE INTO item VALUES (1, 'b', 7)")
        #expect(
            Set(try connection.takeChanges().map(\.key)) == [[1], [2]], "the row in the way is deleted, and said so")
        #expect(try connection.query("SELECT id FROM item").map(\.values) == [[1]])
        try connection.execute("INSERT INTO item VALUES (1, 'c', 1) ON CONFLICT (id) DO UPDATE SET n = 8")
        #expect(try connection.takeChanges() == [change("item", [1], [1, "b", 8])])
        try connection.execute("INSERT INTO pair VALUES ('x', 1, 'v')")
        _ = try connection.takeChanges()
        try connection.execute("REPLACE INTO pair VALUES ('x', 1, 'w')")
        #expect(try connection.takeChanges() == [change("pair", [1, "x"], ["x", 1, "w"])])
    }

    @Test func cascadesAndTriggersAreCaptured() throws {
        try connection.script(
            "CREATE TRIGGER count_children AFTER INSERT ON child BEGIN UPDATE item SET n = n + 1 WHERE id = new.item; END"
        )
        try connection.startCapture(excluding: ["journal"])
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        try connection.execute("INSERT INTO child VALUES (10, 1), (11, 1)")
        #expect(try connection.takeChanges().first == change("item", [1], [1, "a", 2]))
        try connection.execute("DELETE FROM item WHERE id = 1")
        #expect(Set(try connection.takeChanges().map(\.key)) == [[1], [10], [11]])
    }

    @Test func wholeTableStatementsAreCaptured() throws {
        try connection.script("CREATE TABLE twin (id INTEGER PRIMARY KEY, name TEXT, n INTEGER)")
        try connection.startCapture(excluding: ["journal"])
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 1)")
        _ = try connection.takeChanges()
        try connection.execute("INSERT INTO twin SELECT * FROM item")
        #expect(try connection.takeChanges() == [change("twin", [1], [1, "a", 0]), change("twin", [2], [2, "b", 1])])
        try connection.execute("DELETE FROM twin")
        #expect(try connection.takeChanges() == [change("twin", [1], nil), change("twin", [2], nil)])
    }

    @Test func aRolledBackSavepointLeavesNoMark() throws {
        struct Stop: Error {}
        try connection.transaction {
            try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 0)")
            #expect(throws: Stop.self) {
                try connection.savepoint {
                    try connection.execute("INSERT INTO item VALUES (3, 'c', 0)")
                    try connection.execute("UPDATE item SET n = 5 WHERE id = 1")
                    throw Stop()
                }
            }
            try connection.execute("INSERT INTO item VALUES (3, 'd', 0)")
        }
        #expect(
            try connection.takeChanges() == [
                change("item", [1], [1, "a", 0]), change("item", [2], [2, "b", 0]), change("item", [3], [3, "d", 0]),
            ])
    }

    @Test func aRolledBackTransactionLeavesNoMark() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        try connection.begin()
        try connection.execute("INSERT INTO item VALUES (2, 'b', 0)")
        connection.rollback()
        #expect(try connection.takeChanges() == [change("item", [1], [1, "a", 0])])
    }

    @Test func aFailedStatementDoesNoHarm() throws {
        try connection.execute("INSERT INTO item VALUES (2, 'b', 0)")
        _ = try connection.takeChanges()
        #expect(throws: SQLiteError.self) { try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'x', 0)") }
        #expect(try connection.takeChanges().allSatisfy { $0 == change("item", [2], [2, "b", 0]) })
    }

    @Test func aKeySpeltAnotherWayIsAnotherRow() throws {
        try connection.execute("INSERT INTO named VALUES ('abc', 1)")
        _ = try connection.takeChanges()
        try connection.execute("UPDATE named SET name = 'ABC'")
        #expect(
            try connection.takeChanges() == [change("named", ["abc"], nil), change("named", ["ABC"], ["ABC", 1])])
    }

    @Test func excludedAndTemporaryTablesAreNotCaptured() throws {
        try connection.script("CREATE TEMP TABLE item2 (id INTEGER PRIMARY KEY)")
        try connection.execute("INSERT INTO journal VALUES ('x')")
        try connection.execute("INSERT INTO item2 VALUES (1)")
        #expect(try connection.takeChanges() == [])
    }

    @Test func discardedChangesAreForgotten() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0)")
        connection.discardChanges()
        #expect(try connection.takeChanges() == [])
        connection.stopCapture()
        try connection.execute("INSERT INTO item VALUES (2, 'a', 0)")
        #expect(try connection.takeChanges() == [])
    }

    @Test func keysOfEveryTypeAreFound() throws {
        try connection.script("CREATE TABLE typed (r REAL, b BLOB, t TEXT, v, PRIMARY KEY (r, b, t))")
        try connection.startCapture(excluding: ["journal"])
        // An integer in a REAL column and a number in a TEXT column change their type on the way in.
        try connection.execute("INSERT INTO typed VALUES (3, x'00ff', 12, 'v')")
        let key: [Value] = [.real(3), .blob([0, 255]), "12"]
        #expect(try connection.takeChanges() == [change("typed", key, key + ["v"])])
        try connection.execute("DELETE FROM typed")
        #expect(try connection.takeChanges() == [change("typed", key, nil)])
    }

    @Test func whatCannotBeCapturedIsRefused() throws {
        #expect(throws: SQLiteError.self) { try connection.startCapture() }  // journal has no primary key
        try connection.startCapture(excluding: ["journal"])
        try connection.execute("INSERT INTO named VALUES (NULL, 1)")
        #expect(throws: SQLiteError.self) { try connection.takeChanges() }
        try connection.script("CREATE TABLE late (id INTEGER PRIMARY KEY)")
        try connection.execute("INSERT INTO late VALUES (1)")
        #expect(throws: SQLiteError.self) { try connection.takeChanges() }
    }

    // MARK: - Rows as they were

    @Test func aTouchedRowIsRememberedAsItWas() throws {
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 0), (3, 'c', 0)")
        #expect(connection.earlierRow(1, of: "item") == .wasNotThere)
        _ = try connection.takeChanges()
        #expect(connection.earlierRow(1, of: "item") == .asItIs)
        #expect(connection.isUntouched("item"))
        for _ in 0..<3 { try connection.execute("UPDATE item SET n = n + 1, name = name || 'x' WHERE id = 1") }
        try connection.execute("DELETE FROM item WHERE id = 2")
        try connection.execute("INSERT INTO item VALUES (2, 'new', 9), (4, 'd', 0)")
        try connection.execute("REPLACE INTO item VALUES (3, 'C', 7)")
        #expect(connection.earlierRow(1, of: "item") == .was([1, "a", 0]))
        #expect(connection.earlierRow(2, of: "item") == .was([2, "b", 0]))
        #expect(connection.earlierRow(3, of: "item") == .was([3, "c", 0]))
        #expect(connection.earlierRow(4, of: "item") == .wasNotThere)
        #expect(connection.earlierRow(5, of: "item") == .asItIs)
        #expect(!connection.isUntouched("item") && connection.isUntouched("child"))
    }

    @Test func whatIsRolledBackIsUntouched() throws {
        struct Stop: Error {}
        try connection.execute("INSERT INTO item VALUES (1, 'a', 0), (2, 'b', 0)")
        _ = try connection.takeChanges()
        try connection.begin()
        try connection.execute("UPDATE item SET n = 1 WHERE id = 1")
        #expect(throws: Stop.self) {
            try connection.savepoint {
                try connection.execute("UPDATE item SET n = n + 2")
                throw Stop()
            }
        }
        #expect(connection.earlierRow(1, of: "item") == .was([1, "a", 0]))
        #expect(connection.earlierRow(2, of: "item") == .asItIs)
        connection.rollback()
        #expect(connection.isUntouched("item"))
    }

    /// Wrong would be worse than unknown: the hook reads NULL in a record from before its column was added.
    @Test func whatTheHookCannotTellIsUnknown() throws {
        try connection.script("CREATE TABLE grown (id INTEGER PRIMARY KEY, a REAL)")
        try connection.execute("INSERT INTO grown VALUES (1, 3)")
        try connection.script("ALTER TABLE grown ADD COLUMN b INTEGER NOT NULL DEFAULT 5")
        try connection.script("ALTER TABLE grown ADD COLUMN c TEXT")
        try connection.script(
            "CREATE TABLE computed (id INTEGER PRIMARY KEY, twice INTEGER AS (2 * n) VIRTUAL, n INTEGER)")
        try connection.execute("INSERT INTO computed (id, n) VALUES (1, 1)")
        try connection.startCapture(excluding: ["journal"])
        try connection.execute("INSERT INTO pair VALUES ('x', 1, 'v')")
        try connection.execute("UPDATE grown SET c = 'late'")
        try connection.execute("UPDATE computed SET n = 2")
        #expect(connection.earlierRow(1, of: "grown") == .unknown)
        #expect(connection.earlierRow(1, of: "computed") == .unknown)
        #expect(connection.earlierRow(1, of: "pair") == .unknown)
        #expect(connection.earlierRow(1, of: "no such table") == .unknown)
        _ = try connection.takeChanges()
        try connection.execute("UPDATE grown SET c = NULL")
        #expect(connection.earlierRow(1, of: "grown") == .was([1, .real(3), 5, "late"]))
    }

    @Test func notMoreIsRememberedThanAllowed() throws {
        let text = Value.text(String(repeating: "x", count: 100 << 10))
        for id in 1...5 { try connection.execute("INSERT INTO item VALUES (?1, ?2, 0)", [.integer(Int64(id)), text]) }
        _ = try connection.takeChanges()
        try connection.execute("UPDATE item SET n = 1")
        #expect(connection.earlierRow(3, of: "item") == .was([3, text, 0]))
        #expect(connection.earlierRow(4, of: "item") == .unknown)
        _ = try connection.takeChanges()
        try connection.execute("UPDATE item SET n = 2 WHERE id = 4")
        #expect(connection.earlierRow(4, of: "item") == .was([4, text, 1]))
    }

    @Test func tableInfoNamesColumnsAndKey() throws {
        let info = try connection.tableInfo("pair")
        #expect(info.columns.map(\.name) == ["a", "b", "v"])
        #expect(info.columns.map(\.type) == ["TEXT", "INTEGER", ""])
        #expect(info.primaryKey == [1, 0])
        #expect(throws: SQLiteError.self) { try connection.tableInfo("absent") }
        #expect(try connection.tableNames() == ["child", "item", "journal", "named", "pair"])
    }
}

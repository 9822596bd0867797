// Statements, values, transactions and errors on real files.
import SQLite
import TestSupport
import Testing

@Suite struct ConnectionTests {
    @Test func everyKindOfValueComesBackAsItWas() throws {
        try withTemporaryDirectory { directory in
            let connection = try Connection(path: directory + "/a.db")
            try connection.script("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
            let values: [Value] = [
                nil, 1, -5, .integer(.max), 1.5, "text", "", "héllo\u{0}nul", .blob([]), .blob([0, 255, 10]),
            ]
            for value in values { try connection.execute("INSERT INTO t (v) VALUES (?)", [value]) }
            #expect(try connection.query("SELECT v FROM t ORDER BY id").map { $0.values[0] } == values)
        }
    }

    @Test func rowsAreReadByName() throws {
        let connection = try Connection(path: ":memory:")
        let row = try #require(try connection.first("SELECT 7 AS id, 'x' AS name, NULL AS missing"))
        #expect(row.columns == ["id", "name", "missing"])
        #expect(try row.integer("id") == 7)
        #expect(try row.text("name") == "x")
        #expect(try row.textOrNull("missing") == nil)
        #expect(throws: SQLiteError.self) { try row.integer("name") }
        #expect(throws: SQLiteError.self) { try row.integer("missing") }
        #expect(throws: SQLiteError.self) { try row.integer("absent") }
        #expect(try connection.first("SELECT 1 WHERE 0") == nil)
    }

    @Test func aCursorLendsItsColumns() throws {
        let connection = try Connection(path: ":memory:")
        try connection.script("CREATE TABLE t (a, b, c, d); INSERT INTO t VALUES (1, 'two', x'0003', NULL)")
        var seen: [Value] = []
        try connection.forEach("SELECT * FROM t") { row in
            #expect(row.integer(0) == 1)
            #expect(row.text(1) == "two")
            #expect(row.blob(2) == [0, 3])
            #expect(row.withBytes(2) { $0.byteCount } == 2)
            #expect(row.withBytes(3) { $0.byteCount } == 0)
            #expect(row.isNull(3) && row.integerOrNull(3) == nil && row.textOrNull(3) == nil)
            seen = row.values()
        }
        #expect(seen == [1, "two", .blob([0, 3]), nil])
    }

    @Test func invalidUTF8IsRepairedNotTrapped() throws {
        let connection = try Connection(path: ":memory:")
        let row = try #require(try connection.first("SELECT CAST(x'41ff42' AS TEXT) AS t"))
        #expect(try row.text("t") == "A\u{FFFD}B")
    }

    @Test func theSameStatementMayRunInsideItself() throws {
        let connection = try Connection(path: ":memory:")
        try connection.script("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)")
        var pairs = 0
        try connection.forEach("SELECT a FROM t") { _ in
            try connection.forEach("SELECT a FROM t") { _ in pairs += 1 }
        }
        #expect(pairs == 9)
    }

    @Test func manyDifferentStatementsStayBounded() throws {
        let connection = try Connection(path: ":memory:")
        for number in 0..<1_000 {
            let row = try connection.first("SELECT \(number) AS n")
            #expect(try row?.integer("n") == Int64(number))
        }
    }

    @Test func constraintsAreToldApart() throws {
        let connection = try Connection(path: ":memory:")
        try connection.script(
            """
            CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, p REFERENCES parent, n NOT NULL DEFAULT 1);
            INSERT INTO t (id, u) VALUES (1, 'a');
            """)
        let insert = "INSERT INTO t (id, u, p, n) VALUES (?, ?, ?, ?)"
        func failure(_ values: [Value]) -> SQLiteError? {
            do { try connection.execute(insert, values) } catch { return error }
            return nil
        }
        #expect(failure([1, "b", nil, 1])?.code == 1555)
        let unique = failure([2, "a", nil, 1])
        #expect(unique?.code == 2067)
        #expect(failure([3, "c", 99, 1])?.code == 787)
        #expect(failure([4, "d", nil, nil])?.code == 1299)
        #expect(unique?.sql == insert)
        #expect(unique?.description.contains("UNIQUE constraint failed: t.u") == true)
        #expect(failure([5, "e", nil, 1]) == nil)
    }

    @Test func quotedNamesAreNoTexts() throws {
        let connection = try Connection(path: ":memory:")
        try connection.script("CREATE TABLE \"group\" (\"order\" INTEGER PRIMARY KEY)")
        try connection.execute("INSERT INTO \(quoted("group")) VALUES (7)")
        #expect(try connection.first("SELECT \(quoted("order")) FROM \(quoted("group"))")?.integer("order") == 7)
        #expect(throws: SQLiteError.self) { try connection.first("SELECT \(quoted("odrer")) FROM \(quoted("group"))") }
    }

    @Test func wrongUseIsAnErrorNotACrash() throws {
        let connection = try Connection(path: ":memory:")
        #expect(throws: SQLiteError.self) { try connection.execute("SELEKT 1") }
        #expect(throws: SQLiteError.self) { try connection.execute("") }
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1; SELECT 2") }
        try connection.execute("SELECT 1 ; \n")
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT ?") }
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1", [2]) }
        connection.close()
        connection.close()
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1") }
        #expect(connection.changes == 0 && !connection.isInTransaction)
        #expect(throws: SQLiteError.self) { try Connection(path: "/no/such/directory/a.db") }
    }

    @Test func aTransactionIsAllOrNothing() throws {
        let connection = try Connection(path: ":memory:")
        try connection.script("CREATE TABLE t (a)")
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try connection.transaction {
                try connection.execute("INSERT INTO t VALUES (1)")
                throw Stop()
            }
        }
        #expect(!connection.isInTransaction)
        try connection.transaction {
            #expect(connection.isInTransaction)
            try connection.execute("INSERT INTO t VALUES (2)")
            #expect(throws: Stop.self) {
                try connection.savepoint {
                    try connection.execute("INSERT INTO t VALUES (3)")
                    try connection.savepoint { try connection.execute("INSERT INTO t VALUES (4)") }
                    throw Stop()
                }
            }
            try connection.savepoint { try connection.execute("INSERT INTO t VALUES (5)") }
        }
        #expect(try connection.query("SELECT a FROM t").map(\.values) == [[2], [5]])
        connection.rollback()
    }

    @Test func aReadOnlyConnectionDoesNotWrite() throws {
        try withTemporaryDirectory { directory in
            let writer = try Connection(path: directory + "/a.db")
            try writer.script("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
            let reader = try Connection(path: directory + "/a.db", readOnly: true)
            #expect(try reader.query("SELECT a FROM t").count == 1)
            #expect(throws: SQLiteError.self) { try reader.execute("INSERT INTO t VALUES (2)") }
        }
    }

    @Test func aSecondWriterIsBusy() throws {
        try withTemporaryDirectory { directory in
            let one = try Connection(path: directory + "/a.db")
            try one.script("CREATE TABLE t (a)")
            let other = try Connection(path: directory + "/a.db")
            try other.script("PRAGMA busy_timeout=1")
            try one.begin()
            #expect { try other.begin() } throws: { ($0 as? SQLiteError)?.isBusy == true }
            one.rollback()
            try other.begin()
            other.rollback()
        }
    }
}

// What a client may write into a field, as a table: the field, the JSON, and what becomes of it.
import Contract
import Testing
import Wire

@Suite struct FieldTests {
    private static let table = """
        id       1                      1
        id       "1"                    1
        id       " 7 "                  7
        id       0                      refused
        id       -1                     refused
        id       1.0                    1
        id       1.5                    refused
        id       9223372036854775807    9223372036854775807
        id       9223372036854775808    refused
        id       ""                     null
        id       null                   null
        id       true                   refused
        id       [1]                    refused
        id       {"a":1}                refused
        number   0                      0
        number   -5                     -5
        number   10                     10
        number   11                     refused
        number   -6                     refused
        number   "10"                   10
        number   "+3"                   3
        number   "ten"                  refused
        number   "1e1"                  refused
        text     "abcde"                "abcde"
        text     "abcdef"               refused
        text     "äöü😀x"               "äöü😀x"
        text     ""                     ""
        text     12                     "12"
        text     1.5                    "1.5"
        text     1e3                    "1000"
        text     12345678901234567890   refused
        text     true                   refused
        text     null                   null
        text     []                     refused
        strict   "abc"                  "abc"
        strict   12                     refused
        strict   1.5                    refused
        flag     true                   true
        flag     false                  false
        flag     "TRUE"                 true
        flag     " false "              false
        flag     ""                     null
        flag     "yes"                  refused
        flag     1                      refused
        flag     null                   null
        """

    private static let fields: [String: Field] = [
        "id": .identifier("id"), "number": .integer("number", in: -5...10), "text": .text("text", charactersMax: 5),
        "strict": .text("strict", charactersMax: 5, strict: true), "flag": .flag("flag"),
    ]

    @Test func coerces() throws {
        for line in Self.table.split(separator: "\n") {
            let name = String(line.prefix { $0 != " " })
            let expected = String(line.split(separator: " ").last ?? "")
            let given = line.dropFirst(name.count).dropLast(expected.count)
            let field = try #require(Self.fields[name])
            let value = try JSON(parsing: String(given))
            guard expected != "refused" else {
                let problem = #expect(throws: Problem.self, "\(line)") { try field.coerce(value) }
                #expect(problem?.status == 400)
                #expect(problem?.detail.contains("'\(name)'") == true, "the text names the field: \(line)")
                continue
            }
            #expect(try field.coerce(value) == JSON(parsing: expected), "\(line)")
        }
    }

    @Test func aRefusedMegabyteDoesNotComeBack() throws {
        let long = String(repeating: "x", count: 1 << 20)
        let problem = #expect(throws: Problem.self) { try Field.text("t", charactersMax: 5).coerce(.string(long)) }
        #expect((problem?.detail.utf8.count ?? 0) < 200)
    }
}

@Suite struct MessageTests {
    private static let schema = MessageSchema(
        "Counted", "", fields: [.identifier("counterId"), .integer("value", required: false)])

    @Test func readsWhatTheSchemaKnows() throws {
        let read = try Self.schema.read(["value": "5", "other": true, "counterId": 3])
        #expect(read == ["counterId": 3, "value": 5])
        #expect(try Self.schema.read(["counterId": 3]) == ["counterId": 3, "value": .null])
    }

    @Test func refusesWhatLacksARequiredField() {
        #expect(throws: Problem.self) { try Self.schema.read(["value": 5]) }
        #expect(throws: Problem.self) { try Self.schema.read(["counterId": .null]) }
        #expect(throws: Problem.self) { try Self.schema.read(["counterId": "x"]) }
    }
}

@Suite struct ResourceTests {
    private static let books = Resource(
        "books", item: "book", id: "bookId",
        fields: [.identifier("bookId", readOnly: true), .text("title"), .integer("stock", required: false)],
        actions: [.list, .read, .create, .change], "")

    @Test func wholeAndPart() throws {
        #expect(
            try Self.books.readWhole(Array(#"{"title":"a","bookId":9}"#.utf8)) == ["title": "a", "stock": .null])
        #expect(try Self.books.readPart(Array(#"{"stock":null}"#.utf8)) == ["stock": .null])
        for body in ["", "[]", "{", "{\"stock\":1}", "{\"title\":null}"] {
            #expect(throws: Problem.self, "\(body)") { try Self.books.readWhole(Array(body.utf8)) }
        }
        #expect(throws: Problem.self) { try Self.books.readPart(Array(#"{"title":null}"#.utf8)) }
    }

    @Test func methodsFollowFromActions() {
        #expect(Self.books.collectionMethods == [.get, .head, .post, .options])
        #expect(Self.books.itemMethods == [.get, .head, .patch, .options])
    }

    @Test(arguments: [("1", 1), ("9223372036854775807", Int64.max)]) func ids(_ text: String, _ id: Int64) throws {
        #expect(try Self.books.readID(text) == id)
    }

    @Test(arguments: [("0", 404), ("-1", 404), ("one", 400), ("", 400), ("1.0", 400), ("9223372036854775808", 400)])
    func noIDs(_ text: String, _ status: Int) {
        #expect(#expect(throws: Problem.self) { try Self.books.readID(text) }?.status == status)
    }

    @Test func tags() {
        let tag = EntityTag.of(Array("{}".utf8))
        #expect(tag.count == 18 && tag.hasPrefix("\"") && tag.hasSuffix("\""))
        #expect(EntityTag.ifMatch("*", allows: tag) && EntityTag.ifMatch("\"x\", \(tag)", allows: tag))
        #expect(!EntityTag.ifMatch("W/\(tag)", allows: tag) && EntityTag.ifNoneMatch("W/\(tag)", knows: tag))
        #expect(EntityTag.of(Array("{ }".utf8)) != tag)
    }
}

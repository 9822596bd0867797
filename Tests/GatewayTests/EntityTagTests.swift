// Versions of items as headers name them.
import Contract
import Testing

@Suite struct EntityTagTests {
    private let tag = EntityTag.of(Array(#"{"bookId":1}"#.utf8))

    @Test("A tag is 16 digits in quotes, the same for the same bytes in every release")
    func form() {
        // FNV-1a of no bytes is its offset basis.
        #expect(EntityTag.of([]) == "\"cbf29ce484222325\"")
        #expect(tag.count == 18 && tag == EntityTag.of(Array(#"{"bookId":1}"#.utf8)))
        #expect(tag != EntityTag.of(Array(#"{"bookId":2}"#.utf8)))
    }

    @Test("A change needs the very tag, a reading takes a weak one too")
    func comparison() {
        for header in ["*", tag, " \(tag) ", "\"a\", \(tag)", "\"a\",*"] {
            #expect(EntityTag.ifMatch(header, allows: tag), "\(header)")
            #expect(EntityTag.ifNoneMatch(header, knows: tag), "\(header)")
        }
        #expect(!EntityTag.ifMatch("W/\(tag)", allows: tag))
        #expect(EntityTag.ifNoneMatch("W/\(tag)", knows: tag))
        for header in ["", ",", "\"a\"", "W/", String(tag.dropFirst()), "\(tag)x"] {
            #expect(!EntityTag.ifMatch(header, allows: tag), "\(header)")
            #expect(!EntityTag.ifNoneMatch(header, knows: tag), "\(header)")
        }
    }
}

// What a client may write: one body a line, and what is read or which field the refusal names.
import BookstoreContracts
import Contract
import Testing
import Wire

struct BodyTests {
    static let long = String(repeating: "가", count: 1000)

    @Test(arguments: [
        // resource, body of a POST, the fields as read or the text of the 400
        ("customers", #"{"customerName":"hong gil dong"}"#, #"{"customerName":"hong gil dong"}"#),
        ("customers", #"{"customerName":7,"customerId":9,"nobody":1}"#, #"{"customerName":"7"}"#),
        ("customers", #"{"customerName":"\#(long)"}"#, #"{"customerName":"\#(long)"}"#),
        ("customers", #"{"customerName":"\#(long)!"}"#, "'customerName'"),
        ("customers", "{}", "'customerName' is missing"),
        ("customers", "[]", "expected a JSON object"),
        ("books", #"{"bookName":"quobadis?","stock":"50"}"#, #"{"bookName":"quobadis?","stock":50}"#),
        ("books", #"{"bookName":"b","stock":0}"#, #"{"bookName":"b","stock":0}"#),
        ("books", #"{"bookName":"b","stock":-3}"#, "'stock' is -3"),
        ("books", #"{"bookName":"b","stock":2147483648}"#, "'stock' is 2147483648"),
        ("books", #"{"bookName":"b","stock":1.9}"#, "'stock'"),
        ("books", #"{"bookName":"b"}"#, "'stock' is missing"),
        (
            "orders", #"{"bookId":"1","customerId":" 1 ","deliveryAddress":"bundang gu","quantity":"50"}"#,
            #"{"bookId":1,"customerId":1,"quantity":50,"deliveryAddress":"bundang gu"}"#
        ),
        (
            "orders", #"{"bookId":1,"customerId":1,"quantity":1,"orderStatus":"Shipped","status":"x"}"#,
            #"{"bookId":1,"customerId":1,"quantity":1,"deliveryAddress":null}"#
        ),
        ("orders", #"{"customerId":1,"quantity":1}"#, "'bookId' is missing"),
        ("orders", #"{"bookId":1,"quantity":1}"#, "'customerId' is missing"),
        ("orders", #"{"bookId":1,"customerId":1}"#, "'quantity' is missing"),
        ("orders", #"{"bookId":0,"customerId":1,"quantity":1}"#, "'bookId' is 0"),
        ("orders", #"{"bookId":1,"customerId":-1,"quantity":1}"#, "'customerId' is -1"),
        ("orders", #"{"bookId":1,"customerId":1,"quantity":-5}"#, "'quantity' is -5"),
        ("orders", #"{"bookId":1,"customerId":1,"quantity":1,"deliveryAddress":7}"#, "'deliveryAddress' is 7"),
        (
            "stockInputs", #"{"bookId":"1","quantity":"200"}"#, #"{"bookId":1,"quantity":200,"inCharger":null}"#
        ),
        ("stockInputs", #"{"quantity":1}"#, "'bookId' is missing"),
        ("stockInputs", #"{"bookId":1}"#, "'quantity' is missing"),
        ("stockInputs", #"{"bookId":1,"quantity":-10000}"#, "'quantity' is -10000"),
    ])
    func creation(_ name: String, _ body: String, _ expected: String) throws {
        let resource = try #require(Bookstore.system.services.flatMap(\.resources).first { $0.name == name })
        do {
            let read = try resource.readWhole(Array(body.utf8))
            #expect(JSON.object(read).text == expected)
        } catch {
            #expect(error.status == 400)
            #expect(error.detail.contains(expected), "\(error.detail)")
        }
    }

    @Test func itemsBeginWithTheirID() {
        for resource in Bookstore.system.services.flatMap(\.resources) {
            #expect(resource.fields.first?.name == resource.idField)
        }
    }

    @Test(arguments: [
        ("customers", "GET HEAD POST OPTIONS", "GET HEAD PUT PATCH DELETE OPTIONS"),
        ("myPages", "GET HEAD OPTIONS", "GET HEAD OPTIONS"),
        ("books", "GET HEAD POST OPTIONS", "GET HEAD PUT PATCH DELETE OPTIONS"),
        ("deliverables", "GET HEAD OPTIONS", "GET HEAD OPTIONS"),
        ("stockInputs", "GET HEAD POST OPTIONS", "GET HEAD OPTIONS"),
        ("orders", "GET HEAD POST OPTIONS", "GET HEAD DELETE OPTIONS"),
        ("deliveries", "GET HEAD OPTIONS", "GET HEAD PATCH OPTIONS"),
    ])
    func methods(_ name: String, _ collection: String, _ item: String) throws {
        let resource = try #require(Bookstore.system.services.flatMap(\.resources).first { $0.name == name })
        #expect(resource.collectionMethods.map(\.rawValue).joined(separator: " ") == collection)
        #expect(resource.itemMethods.map(\.rawValue).joined(separator: " ") == item)
    }
}

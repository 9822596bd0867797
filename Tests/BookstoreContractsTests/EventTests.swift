// Events look as the seeds' console shows them, field by field, nulls included.
import BookstoreContracts
import Contract
import Testing
import Wire

struct EventTests {
    @Test func fieldsAreThoseOfTheSeedsInTheirOrder() {
        let shown: [(any Event, String)] = [
            (Registered(customerId: 1), #"{"customerId":1}"#),
            (Changed(customerId: 1), #"{"customerId":1}"#),
            (Deleted(customerId: 1), #"{"customerId":1}"#),
            (
                Ordered(orderId: 4, bookId: 1, customerId: 2, quantity: 100, deliveryAddress: "incheon si"),
                #"{"orderId":4,"bookId":1,"customerId":2,"quantity":100,"deliveryAddress":"incheon si","orderStatus":"Ordered"}"#
            ),
            (
                Ordered(orderId: 4, bookId: 1, customerId: 2, quantity: 100, deliveryAddress: nil),
                #"{"orderId":4,"bookId":1,"customerId":2,"quantity":100,"deliveryAddress":null,"orderStatus":"Ordered"}"#
            ),
            (OrderCanceled(orderId: 3), #"{"orderId":3,"status":"CANCELED"}"#),
            (DeliveryPrepared(orderId: 1), #"{"id":null,"orderId":1,"status":"Delivery_Prepared"}"#),
            (
                DeliveryStatusChanged(id: 3, orderId: 3, deliveryStatus: "CancelDelivery"),
                #"{"id":3,"orderId":3,"deliveryStatus":"CancelDelivery"}"#
            ),
        ]
        for (event, text) in shown {
            #expect(JSON.object(event.fields).text == text)
            #expect(event.fields.names == type(of: event).schema.fields.map(\.name))
        }
    }

    @Test func whatIsPublishedCanBeRead() throws {
        let event = Ordered(orderId: 4, bookId: 1, customerId: 2, quantity: 100, deliveryAddress: nil)
        let read = try Ordered(fields: Ordered.schema.read(event.fields))
        #expect(read.fields == event.fields)
    }

    /// `{}` ran every listener of the originals on nulls.
    @Test func incompleteEventsAreRefused() {
        let schemas = Bookstore.system.services.flatMap(\.events)
        #expect(schemas.count == 7)
        for schema in schemas { #expect(throws: Problem.self) { try schema.read([:]) } }
        #expect(throws: Problem.self) {
            try Ordered.schema.read([
                "orderId": 1, "bookId": 1, "customerId": 1, "quantity": -5, "orderStatus": "Ordered",
            ])
        }
    }

    @Test func everyPolicyReactsToAnEventOfTheSystem() {
        let types = Set(Bookstore.system.services.flatMap(\.events).map(\.type))
        for service in Bookstore.system.services { #expect(types.isSuperset(of: service.policies)) }
    }
}

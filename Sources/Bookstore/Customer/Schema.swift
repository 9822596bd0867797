// The tables of the customer service. Columns are named as the fields they are shown as.
enum Schema {
    static let migrations = [
        """
        CREATE TABLE customers (customerId INTEGER PRIMARY KEY, customerName TEXT NOT NULL);

        -- A row may be begun by any event about its order, so that all but the key and the status may be unknown yet.
        CREATE TABLE myPages (
            orderId INTEGER PRIMARY KEY, customerId INTEGER, customerName TEXT, bookId INTEGER, quantity INTEGER,
            deliveryAddress TEXT, orderStatus TEXT NOT NULL, deliveryStatus TEXT, deliveryId INTEGER);
        CREATE INDEX myPages_customer ON myPages (customerId);
        """
    ]
}

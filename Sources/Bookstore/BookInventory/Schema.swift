// The tables of the inventory. Columns are named as the fields they are shown as.
enum Schema {
    static let migrations = [
        """
        CREATE TABLE books (bookId INTEGER PRIMARY KEY, bookName TEXT NOT NULL, stock INTEGER NOT NULL);

        -- In the shard of the book. At most one an order, whatever comes twice.
        CREATE TABLE deliverables (
            deliverableId INTEGER PRIMARY KEY, orderId INTEGER NOT NULL, bookId INTEGER NOT NULL,
            quantity INTEGER NOT NULL, status TEXT NOT NULL);
        CREATE UNIQUE INDEX deliverables_order ON deliverables (orderId);
        CREATE INDEX deliverables_lacking ON deliverables (bookId, orderId) WHERE status = 'Stock_Lacked';

        CREATE TABLE stockInputs (
            id INTEGER PRIMARY KEY, bookId INTEGER NOT NULL, quantity INTEGER NOT NULL, inCharger TEXT);

        -- In the shard of the order: which book it is about, since OrderCanceled does not say; and whether it was
        -- cancelled, for an Ordered that comes after its OrderCanceled, or twice.
        CREATE TABLE orderBooks (
            orderId INTEGER PRIMARY KEY, bookId INTEGER, quantity INTEGER, isCanceled INTEGER NOT NULL);
        """
    ]
}

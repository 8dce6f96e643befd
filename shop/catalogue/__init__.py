"""The catalogue: books as written, their editions, what may be sold where, and the pages that show them.

Its rooms, each importing only from those below it:

    views                   the pages on which readers find and see books
    waiting  feeds          who wants to be told; Atom, OPDS, shopping pages, ONIX out
    intake                  ONIX into rows: the importer, its jobs, works told twice
    books                   what a book's page shows and remembers
    finding                 subjects, filters, words, shelves
    covers                  drawn, or given and made smaller
    selling                 delivery, disclosures, how much may be sold where
    onix  territory         messages as values; publishers' sentences as sets of countries
    offers  facts           what may be done with an edition today; what it is, in a reader's words
    models  rights  forms   the tables; sales rights; product forms
"""

"""Open311 GeoReport v2: the city's reports as service requests, for citizens' apps and for other cities' servers.

As server (docs/open311.md says what is standard, what an extension, and how each ambiguity is settled):
    documents.py   the two forms of every answer: XML, and the JSON that follows from it
    identifiers.py service_request_id <-> source and source_ref of a report
    instants.py    W3C dates and times, with offset
    words.py       states and moves of a case in the words of a citizen, Chinese and English
    services.py    the category dictionary as list of services
    requests.py    reports and their cases as service requests
    updates.py     what happened to them
    taking.py      a citizen's request becomes a report and a case
    contacts.py    who sent it, apart from everything else

As client:
    remote.py      another server, asked politely: JSON or XML, retries with back-off
    reading.py     what it answers, as rows of text
    windows.py     windows of time that are small enough for a server that caps its answers
    incoming.py    service requests of another server -> judged reports
    cursor.py      how far a pull has come
    pulling.py     all of them, resumable, nothing twice
"""

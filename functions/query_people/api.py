"""What query_people offers over HTTP, for the OpenAPI document."""

from functions.query_people.answers import EXPORT, MERGE, MERGES, PEOPLE, PERSON, PROPERTIES, SESSIONS, TIMELINE
from functions.query_people.logic import ExportQuery, PeopleAnswer, PeopleQuery, ProfilePropertiesAnswer
from functions.query_people.merges import MergeAnswer, MergeRequest, RemoveQuery
from functions.query_people.person import PersonAnswer, PersonQuery
from functions.query_people.sessions import SessionsAnswer, SessionsQuery
from functions.query_people.timeline import TimelineAnswer, TimelineQuery
from shared.openapi import Operation

_FIND = "People by what they are like and what they did, page by page"
_EXPORT = "The same people as CSV, all at once"
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[ua]:"}}
_ID |= {"description": "one of the person's ids: u:<user_id> or a:<anonymous_id>"}
_MERGE = {"name": "merge", "in": "path", "required": True, "schema": {"type": "string"}}

OPERATIONS = [
    Operation("GET", PEOPLE, _FIND, answer=PeopleAnswer, query=PeopleQuery),
    Operation("POST", PEOPLE, _FIND, answer=PeopleAnswer, body=PeopleQuery),
    Operation("GET", EXPORT, _EXPORT, query=ExportQuery),
    Operation("POST", EXPORT, _EXPORT, body=ExportQuery),
    Operation("GET", PROPERTIES, "The properties that people's profiles have", answer=ProfilePropertiesAnswer),
    Operation(
        "GET", PERSON, "A person: ids, profile, traits, history", PersonAnswer, query=PersonQuery, parameters=[_ID]
    ),
    Operation("GET", TIMELINE, "A person's events", TimelineAnswer, query=TimelineQuery, parameters=[_ID]),
    Operation("GET", SESSIONS, "A person's sessions", SessionsAnswer, query=SessionsQuery, parameters=[_ID]),
    Operation("POST", MERGES, "Merge the person into another", MergeAnswer, 201, MergeRequest, parameters=[_ID]),
    Operation("DELETE", MERGE, "Take a merge back", MergeAnswer, query=RemoveQuery, parameters=[_ID, _MERGE]),
]

"""Several calls in one: composite (one call of the allowance), batch (each part counts), and records by their ids."""

from collections.abc import Callable
from typing import Any

from catchment.imitations.salesforce import errors
from catchment.imitations.salesforce.calls import ROOT, Answer, Call, shaped, split
from catchment.imitations.salesforce.errors import ApiError
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.render import Records

PARTS, QUERIES, IDS = 25, 5, 2_000
Part = Callable[[Call, str], Answer]
_QUERY_KIND = ("query", "queryAll")


def composite(call: Call, part: Part) -> Answer:
    """Up to 25 parts, five of which may be queries; each has its own status, headers and body."""
    given = call.given("compositeRequest", list[dict[str, Any]])
    if not given:
        raise errors.unreadable("compositeRequest must be a list of subrequests")
    if len(given) > PARTS:
        raise _too_many(f"The maximum number of subrequests is {PARTS}")
    names = [str(one.get("referenceId", "")) for one in given]
    if not all(names) or len(set(names)) < len(names):
        raise ApiError(400, "INVALID_INPUT", "Each subrequest needs a referenceId of its own")
    if sum(_is_query(str(one.get("url", ""))) for one in given) > QUERIES:
        raise _too_many(f"The maximum number of query, queryAll, query more and collections subrequests is {QUERIES}")
    answers = [_run(call, one, part) for one in given]
    if call.body.get("allOrNone") and any(answer.status >= 400 for answer in answers):
        answers = [answer if answer.status >= 400 else _halted() for answer in answers]
    shown = [
        {
            "body": answer.body,
            "httpHeaders": answer.headers,
            "httpStatusCode": answer.status,
            "referenceId": name,
        }
        for name, answer in zip(names, answers, strict=True)
    ]
    return Answer(200, {"compositeResponse": shown})


def batch(call: Call, part: Part) -> Answer:
    """Up to 25 independent parts, whose URLs begin with the version."""
    given = call.given("batchRequests", list[dict[str, Any]])
    if not given:
        raise errors.unreadable("batchRequests must be a list of subrequests")
    if len(given) > PARTS:
        raise _too_many(f"The maximum number of subrequests is {PARTS}")
    answers = []
    for one in given:
        url = str(one.get("url", ""))
        answers.append(_run(call, {**one, "url": url if url.startswith(ROOT) else f"{ROOT}/{url.lstrip('/')}"}, part))
        if call.body.get("haltOnError") and answers[-1].status >= 400:
            break
    answers += [
        Answer(412, [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}])
    ] * (len(given) - len(answers))
    results = [{"statusCode": answer.status, "result": answer.body} for answer in answers]
    return Answer(200, {"hasErrors": any(answer.status >= 400 for answer in answers), "results": results})


def records(call: Call, kind: Kind) -> Answer:
    """Records by id, in the order asked for; null for those that are not there."""
    if call.method == "POST":
        ids, names = call.given("ids", list[str]), call.given("fields", list[str])
    else:
        ids, names = call.need("ids").split(","), call.need("fields").split(",")
    if len(ids) > IDS:
        raise _too_many(f"The number of ids must not exceed {IDS}")
    visible = {field.name.lower(): field for field in call.view.fields(kind)}
    for name in names:
        if name.lower() not in visible:
            raise errors.unknown_field(name, kind.name)
    shown = Records(kind.name, [visible[name.lower()] for name in dict.fromkeys(["Id", *names])], call.version)
    rows = [call.view.org.row(kind.name, row_id) for row_id in ids]
    return Answer(200, [shown(row) if row is not None and not row.get("IsDeleted") else None for row in rows])


def _run(call: Call, given: dict[str, Any], part: Part) -> Answer:
    """One part; what it refuses stays its own."""
    url = str(given.get("url", ""))
    parts, params = split(url)
    if parts[:2] != ("services", "data") or len(parts) < 3:
        return _refused(errors.missing())
    own_headers = shaped(given.get("httpHeaders") or {}, dict[str, str])
    headers = {name.lower(): value for name, value in own_headers.items()}
    if "authorization" in headers:
        return _refused(ApiError(400, "INVALID_INPUT", "Authorization is not allowed in a subrequest's headers"))
    body = given.get("body", given.get("richInput"))
    own = Call(str(given.get("method", "GET")), parts[2][1:], parts[3:], params, headers, body, call.view)
    if own.parts[:1] == ("composite",) and own.parts[1:2] != ("sobjects",):
        return _refused(ApiError(400, "INVALID_INPUT", "Composite requests cannot be nested"))
    try:
        answer = part(own, url)
    except ApiError as refused:
        return _refused(refused)
    return Answer(answer.status, answer.body, answer.headers)


def _refused(refused: ApiError) -> Answer:
    return Answer(refused.status, refused.shown())


def _is_query(url: str) -> bool:
    parts = split(url)[0][3:]
    return bool(parts) and (parts[0] in _QUERY_KIND or parts[:2] == ("composite", "sobjects"))


def _halted() -> Answer:
    message = "The transaction was rolled back since another operation in the same transaction failed."
    return Answer(400, [{"errorCode": "PROCESSING_HALTED", "message": message}])


def _too_many(message: str) -> ApiError:
    return ApiError(400, "LIMIT_EXCEEDED", message)

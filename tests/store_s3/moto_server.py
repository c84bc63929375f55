"""A moto server on loopback that asks who calls: one user, whose keys are given. Arguments: PORT ACCESS SECRET [CERT KEY]."""
import io
import os
import sys

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.core import DEFAULT_ACCOUNT_ID  # noqa: E402
from moto.core.responses import ActionAuthenticatorMixin  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import run_simple  # noqa: E402

port, access, secret = sys.argv[1:4]
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
iam.create_user(region_name="us-east-1", user_name="test")
key = iam.create_access_key("test")
del iam.access_keys[key.access_key_id]
key.access_key_id, key.secret_access_key = access, secret
iam.access_keys[access] = key
iam.put_user_policy("test", "all", ALLOW_ALL)
trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRoleWithWebIdentity"}]}'
iam.create_role("logs", trust, "/", "", "", [], 3600)
iam.put_role_policy("logs", "all", ALLOW_ALL)

real = DomainDispatcherApplication(create_backend_app)


def application(environ, start_response):
    """STS is asked by who has no keys yet: the one call that nobody signs."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if b"AssumeRoleWithWebIdentity" in body:
        ActionAuthenticatorMixin.request_count = -1
    return real(environ, start_response)


# One request at a time: its conditional writes are no atomic ones.
run_simple("127.0.0.1", int(port), application, ssl_context=tuple(sys.argv[4:6]) or None)

"""Gets the credentials of a profile with SSO as botocore does it for a user who has signed in, and writes what it asked.

    sso.py FILE PROFILE

The sign-in is a token in the home's cache; the answer of the access portal's service is made up here, so that nothing
leaves the machine.
"""

import hashlib
import io
import json
import os
import sys
from datetime import datetime, timedelta, timezone


def main():
    file, profile = sys.argv[1:]
    os.environ["AWS_CONFIG_FILE"] = file
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    from botocore.awsrequest import AWSResponse
    from botocore.session import Session

    class Body(io.BytesIO):
        def stream(self, **_):
            yield self.read()

    session = Session(profile=profile)
    name = session.get_scoped_config()["sso_session"]
    sign_in = session.full_config["sso_sessions"][name]
    cache = os.path.expanduser("~/.aws/sso/cache")
    os.makedirs(cache)
    token = {
        "accessToken": "of-the-user",
        "expiresAt": (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "startUrl": sign_in["sso_start_url"],
        "region": sign_in["sso_region"],
    }
    key = hashlib.sha1(name.encode()).hexdigest()
    with open(os.path.join(cache, key + ".json"), "w", encoding="utf-8") as opened:
        json.dump(token, opened)

    asked = []

    def answer(request, **_):
        asked.append({"url": request.url, "token": request.headers["x-amz-sso_bearer_token"].decode()})
        expiration = int((datetime.now(timezone.utc) + timedelta(hours=1)).timestamp() * 1000)
        role = {"accessKeyId": "ASIAX", "secretAccessKey": "x", "sessionToken": "x", "expiration": expiration}
        body = json.dumps({"roleCredentials": role}).encode()
        return AWSResponse(request.url, 200, {"content-type": "application/json"}, Body(body))

    session.register("before-send.sso.GetRoleCredentials", answer)
    credentials = session.get_credentials().get_frozen_credentials()
    json.dump({"access_key": credentials.access_key, "asked": asked}, sys.stdout)


if __name__ == "__main__":
    main()

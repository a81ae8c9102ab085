"""What the server refuses."""


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, code, reason, message, causes=()):
        super().__init__(message)
        self.code, self.reason, self.causes = code, reason, list(causes)

    def status(self):
        """The Status object that tells of it."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": self.code,
            "reason": self.reason,
            "message": str(self),
            "details": {"causes": self.causes},
        }


def not_found(what, name):
    return ApiError(404, "NotFound", f'{what} "{name}" not found')


def invalid(message):
    return ApiError(422, "Invalid", message)

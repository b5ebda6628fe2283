"""Whatever goes wrong in a browser without showing: refused by the policy, thrown, fetched abroad."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

LISTEN = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.reportViolation(`${event.violatedDirective}: ${event.blockedURI} in ${location.pathname}`));
"""


class Watch:
    """Sees every page of a context, from before its first script runs."""

    def __init__(self, context: BrowserContext, origin: str, *, has_scripts: bool = True) -> None:
        self.context = context
        self.origin = origin
        self.has_scripts = has_scripts
        self.violations: list[str] = []
        self.errors: list[str] = []
        self.abroad: list[str] = []
        self.expected: list[str] = []
        context.on("request", self.see_request)
        context.on("console", self.see_console)
        context.on("weberror", self.see_error)
        if has_scripts:
            context.expose_function("reportViolation", self.see_violation)
            context.add_init_script(LISTEN)

    def expect(self, text: str) -> None:
        """Console errors with this text belong to the test, such as those of a 404."""
        self.expected.append(text)

    def see_violation(self, violation: str) -> None:
        self.violations.append(violation)

    def see_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.abroad.append(request.url)

    def see_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.errors.append(message.text)

    def see_error(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    @property
    def problems(self) -> list[str]:
        if self.has_scripts:
            for page in self.context.pages:
                page.evaluate("() => 1")  # what was seen before has arrived now
        return [*self.violations, *self.errors, *self.abroad]

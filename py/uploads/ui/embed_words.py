"""What the widget says, besides what the page does. English, and said by whoever shows it."""

UNFRAMED = "This is the widget for a frame in another page, and there is no page around it: it works as a page of its own."
NO_ORIGIN = (
    "The page around this one cannot speak with it: the address lacks &origin= with that page's origin. "
    "It works as a page of its own."
)
BAD_ORIGIN = (
    "This widget does nothing: origin= in its address must be the exact origin of the page around it, "
    "such as https://app.example.com."
)
SILENT = "The page around this one has not answered yet, so nothing can be uploaded so far."
NOT_CONFIGURED = "CONFIGURE must come first."
NO_GESTURE = "The browser opens a picker only just after a click or a key in the widget itself."
RESTRICTIONS = "The restrictions are those of the first CONFIGURE; reload the widget to change them."
FILE = "A File must come with ADD_FILE, and with nothing else."
LOCALE = "The locale must be a BCP 47 language tag, such as en or pt-BR."

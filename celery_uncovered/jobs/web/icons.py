"""The drawings of the pages: 16 by 16, one stroke, in the colour of the text around them."""

_SVG = (
    '<svg class="icon icon-{}" viewBox="0 0 16 16" fill="none" stroke="currentColor" '
    'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" '
    'focusable="false">{}</svg>'
)

_RING = '<circle cx="8" cy="8" r="6.2"/>'
_SHAPES = {
    "scheduled": f'{_RING}<path d="M8 4.6V8l2.3 1.6"/>',
    "queued": '<path d="M2.5 4h11M2.5 8h11M2.5 12h6"/>',
    "started": '<path d="M8 1.8a6.2 6.2 0 1 1-5.6 3.5"/>',
    "retry": '<path d="M13.4 8a5.4 5.4 0 1 1-1.7-3.9M13.4 1.8v3h-3"/>',
    "success": f'{_RING}<path d="m5.3 8.2 1.9 1.9 3.6-4"/>',
    "failure": f'{_RING}<path d="M8 4.7v4M8 11.1v.1"/>',
    "revoked": f'{_RING}<path d="m3.7 12.3 8.6-8.6"/>',
    "arrow": '<path d="M2.5 8h11M9.5 4l4 4-4 4"/>',
    "download": '<path d="M8 2v8M4.5 6.8 8 10.3l3.5-3.5M2.5 13.5h11"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="m10.4 10.4 3.4 3.4"/>',
    "pause": '<path d="M5.5 3.5v9M10.5 3.5v9"/>',
    "play": '<path d="M5 3.2v9.6L12.5 8z"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "mail": '<rect x="2" y="3.5" width="12" height="9" rx="1.5"/><path d="m2.5 4.5 5.5 4 5.5-4"/>',
    "warning": '<path d="M8 2.2 14.5 13.5h-13zM8 6.6v3M8 11.6v.1"/>',
}

ICONS = {name: _SVG.format(name, shape) for name, shape in _SHAPES.items()}

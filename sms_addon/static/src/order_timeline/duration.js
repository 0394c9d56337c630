import { _t } from "@web/core/l10n/translation";

/** Return a number of seconds in the largest unit that says enough, such as "3 h" or "12 d". */
export function formatDuration(seconds) {
    const minutes = Math.round(seconds / 60);
    if (minutes < 1) {
        return _t("at once");
    }
    if (minutes < 60) {
        return _t("%s min", minutes);
    }
    const hours = Math.round(minutes / 60);
    return hours < 48 ? _t("%s h", hours) : _t("%s d", Math.round(hours / 24));
}

# Codes beyond the table are "other", not the key that their low byte names (286 = 256 + a's 30).
down 286 1000
up a 1050
up 286 1090
down 767 1200
up 767 1300

hold other keys 90
flight other keys to other keys 110
hold other keys 100
